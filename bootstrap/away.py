"""Why a server does not answer, in our words instead of a library's."""

SIGNS = {
    "nothing listens there": ("connection refused", "connect call failed", "errno 111", "errno 61"),
    "no such host is known": (
        "dns error",
        "failed to lookup",
        "name or service not known",
        "nodename nor servname",
        "temporary failure in name resolution",
        "no address associated",
    ),
    "no way leads to it from this machine": ("network is unreachable", "no route to host"),
    "its certificate is not one that this machine trusts": (
        "invalid peer certificate",
        "certificate verify failed",
        "unknownissuer",
        "invalidcertificate",
        "doesn't match",
        "certificate is not valid for",
        "hostname mismatch",
    ),
    "it does not speak TLS there": ("corrupt message", "wrong version number", "record layer"),
    "the connection was cut": (
        "h2 protocol error",
        "connection reset",
        "connection was closed",
        "connection closed",
        "connection error",
        "broken pipe",
        "unexpected eof",
        "transport error",
        "error reading a body",
        "connection_lost",
    ),
    "no answer in time": ("timed out", "timeout expired", "deadline"),
}
"""What we say of what libraries say; the first that fits."""


def why(error: BaseException) -> str:
    """What keeps a server from answering; what no library chattered about is said as it is."""
    said = str(error)
    for ours, theirs in SIGNS.items():
        if any(sign in said.lower() for sign in theirs):
            return ours
    if isinstance(error, TimeoutError) or not said:
        return "no answer in time"
    return said
