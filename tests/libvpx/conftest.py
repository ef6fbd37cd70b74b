"""One release of libvpx after the other."""

from collections.abc import Iterator

import pytest
from support.libvpx_releases import CACHE, VERSIONS, Libvpx, system

from encoder_bridge import _native


@pytest.fixture(params=VERSIONS)
def libvpx(request: pytest.FixtureRequest) -> Iterator[Libvpx]:
    """One release after the other encodes; skips, with a reason, what is not here."""
    version = request.param
    here, fetched = system(), CACHE / version / "libvpx.so"
    if version == here.version:
        yield here
        return
    if not fetched.is_file():
        pytest.skip(f"libvpx {version} is not here: make test-libvpx fetches it")
    _native.open_libvpx(str(fetched))
    yield Libvpx(version, str(fetched))
    _native.open_libvpx(here.path)
