"""The four vendors, by the names of their backends."""

from example_project.sandbox.vendors.aoc import AOC
from example_project.sandbox.vendors.base import Vendor
from example_project.sandbox.vendors.imb import IMB
from example_project.sandbox.vendors.kaleyra import Kaleyra
from example_project.sandbox.vendors.startmessaging import StartMessaging

CLASSES: dict[str, type[Vendor]] = {cls.name: cls for cls in (IMB, Kaleyra, AOC, StartMessaging)}
