"""What every backend owes that can be asked about a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_phone_otp.backends import BackendsHandler
from django_phone_otp.backends.base import DeliveryError, MalformedWebhook, Receipt
from django_phone_otp.core.policies import BackendSettings
from django_phone_otp.core.statuses import DeliveryStatus
from tests.backends.contract import SILENT, patient
from tests.backends.servers import RawServer, refused_port, reset


class PollingContract:
    """The promises of ``fetch_status()``; a subclass is one of ``BackendContract`` too."""

    status_url = ""
    statuses = ()  # pairs of an answer about ``vendor_id``, and the state that it tells

    def asked_about(self, url):
        """Ask ``url`` about the vendor's id."""
        options = {**self.options, "base_url": url}
        return BackendsHandler.build("main", BackendSettings(self.backend, options)).fetch_status(self.vendor_id)

    def serve_status(self, httpserver, body, status=200):
        """Have the server tell ``body`` of the message."""
        httpserver.clear()
        httpserver.expect_request(self.status_url, method="GET").respond_with_data(
            body, status=status, content_type="application/json"
        )

    def test_a_state_is_read_in_every_shape_that_is_known(self, httpserver):
        for body, state in self.statuses:
            httpserver.clear()
            httpserver.expect_request(self.status_url, method="GET").respond_with_json(body)
            receipt = self.asked_about(httpserver.url_for(""))
            assert (receipt.id, receipt.status) == (self.vendor_id, state)
        assert len(httpserver.log) == 1

    @pytest.mark.parametrize("status", [200, 401, 404, 500])
    @pytest.mark.parametrize("body", SILENT.values(), ids=SILENT)
    def test_an_answer_that_tells_no_state_is_an_error_with_a_reason(self, httpserver, body, status):
        self.serve_status(httpserver, body, status)
        with pytest.raises(DeliveryError) as failure:
            self.asked_about(httpserver.url_for(""))
        assert failure.value.reason
        assert failure.value.http_status == status

    def test_a_vendor_that_is_not_there_or_goes_away_is_an_error(self):
        with refused_port() as port, pytest.raises(DeliveryError):
            self.asked_about(f"http://127.0.0.1:{port}")
        with RawServer(reset) as server, pytest.raises(DeliveryError):
            self.asked_about(server.url)
        assert len(server.requests) == 1

    @given(data=st.data())
    @patient
    def test_any_json_is_a_receipt_or_an_error(self, httpserver, data):
        httpserver.clear()
        httpserver.expect_request(self.status_url, method="GET").respond_with_json(data.draw(self.json()))
        try:
            receipt = self.asked_about(httpserver.url_for(""))
        except (DeliveryError, MalformedWebhook):
            return
        assert isinstance(receipt, Receipt)
        assert receipt.id == self.vendor_id
        assert receipt.status in set(DeliveryStatus)
        assert len(receipt.reason) < 300
