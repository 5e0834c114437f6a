"""The proxy that the environment names (`https_proxy`, `no_proxy`) on the way to an address."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from urllib.parse import SplitResult


def on_the_way_to(there: SplitResult) -> SplitResult | None:
    """Its address; None: there is none."""
    named = getproxies().get(there.scheme)
    if not named or proxy_bypass(there.netloc):
        return None
    return urlsplit(named if "://" in named else f"http://{named}")


def credentials(proxy: SplitResult) -> dict[str, str]:
    """The headers with which it lets one through."""
    if not proxy.username:
        return {}
    said = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(said.encode()).decode()}"}
