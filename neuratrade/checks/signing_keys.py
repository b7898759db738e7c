"""Can the risk desk sign, and do its two keys belong together?"""

from datetime import datetime

from neuratrade.lib.health import CheckResult, CheckStatus
from trading.errors import ConfigurationError
from trading.services import keys


def check(at: datetime) -> CheckResult:
    try:
        belongs = keys.signing_key().public_key().public_bytes_raw() == keys.public_key().public_bytes_raw()
    except ConfigurationError as error:
        return CheckResult(
            name="signing keys",
            status=CheckStatus.FAILED,
            evidence=str(error),
            remedy="run `neuratrade prepare`",
        )
    if belongs:
        return CheckResult(
            name="signing keys", status=CheckStatus.OK, evidence="key pair present and matching"
        )
    return CheckResult(
        name="signing keys",
        status=CheckStatus.FAILED,
        evidence="the public key is not the signing key's",
        remedy="restore both from one backup; approvals of the other pair are void",
    )


CHECK = check
