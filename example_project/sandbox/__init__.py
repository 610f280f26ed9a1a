"""A vendor sandbox: four SMS vendors' APIs on this machine, with outages at the flick of a switch.

server.py       Sandbox: starts and stops everything below
vendors/        one file per vendor: what its documentation says it takes and answers
outages.py      the ways to be out of order, and what each does to an answer
mailbox.py      the messages that reached a phone
receipts.py     posts what became of a message to the project's webhooks
page.py         the page and the control API
loopback.py     HTTP on 127.0.0.1, and nowhere else
management/     manage.py vendorsandbox
"""

HOST = "127.0.0.1"
PORT = 8100  # the page; the vendors follow, in the order of VENDORS

VENDORS = ("imb", "kaleyra", "aoc", "startmessaging")


def address(vendor: str, port: int = PORT) -> str:
    """Return where ``vendor`` listens, in a sandbox whose page is at ``port``; a ValueError if there is no such one."""
    return f"http://{HOST}:{port + 1 + VENDORS.index(vendor)}"
