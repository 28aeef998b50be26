"""Time stamps for seals, from a service at ``TSA_URL`` or by a key of our own."""

import os
import secrets
from datetime import datetime

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from django.conf import settings
from pyhanko.sign.signers import Signer
from pyhanko.sign.timestamps import TimeStamper, TimestampRequestError
from pyhanko.sign.timestamps.requests_client import RequestsHTTPTimeStamper

from certificates.authority import SealUnavailable, load_seal, seal_folder, wait_for

# Seconds to wait for a time stamp from the service.
_TIME_STAMP_TIMEOUT = 10
_time_stampers: dict[tuple[int, str], TimeStamper] = {}


def time_stamper(now: datetime) -> TimeStamper:
    """The time stamper for seals: the service at ``TSA_URL``, or our own key (``time.pem``), which
    stamps ``now``.

    Raises SealUnavailable where there is neither a service nor a valid key.
    """
    address = settings.TSA_URL
    if not address:
        seal = load_seal(seal_folder() / "time.pem")
        seal.check_valid(now)
        return OwnTimeStamper(seal.signer, now)
    # The object is kept because it caches a sample of the service's token.
    cache_key = (os.getpid(), address)
    if cache_key not in _time_stampers:
        _time_stampers[cache_key] = RequestsHTTPTimeStamper(address, timeout=_TIME_STAMP_TIMEOUT)
    return _time_stampers[cache_key]


def time_certificates(now: datetime) -> list[asn1_x509.Certificate]:
    """The certificates in a time stamp, its signer's first. Raises SealUnavailable where there is
    no time stamp."""
    try:
        token = wait_for(time_stamper(now).async_dummy_response("sha256"))
    except (TimestampRequestError, OSError) as error:
        raise SealUnavailable(f"time stamp: {error}") from error
    signed = token["content"]
    sent = [one.chosen for one in signed["certificates"]]
    named = signed["signer_infos"][0]["sid"].chosen["serial_number"].native
    return sorted(sent, key=lambda one: one.serial_number != named)


class OwnTimeStamper(TimeStamper):
    """Answers time-stamp requests (RFC 3161) in this process, with a key of its own."""

    # The id of our policy for time stamps. 2.25 is the arc of object ids made from UUIDs.
    _POLICY = "2.25.291366018229716498211463302861174402911"

    def __init__(self, signer: Signer, now: datetime) -> None:
        super().__init__()
        self._signer, self._now = signer, now

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        statement = {
            "version": "v1",
            "policy": self._POLICY,
            "message_imprint": req["message_imprint"],
            "serial_number": secrets.randbits(127),
            "gen_time": core.GeneralizedTime(self._now),
        }
        if req["nonce"].native is not None:
            statement["nonce"] = req["nonce"]
        content = cms.EncapsulatedContentInfo(
            {"content_type": "tst_info", "content": core.ParsableOctetString(tsp.TSTInfo(statement).dump())}
        )
        token = await self._signer.async_sign_general_data(content, "sha256", detached=False)
        return tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})
