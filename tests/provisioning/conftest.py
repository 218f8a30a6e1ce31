from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.provisioning.live import MOSQUITTO, Broker, free_port, provision


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker with two gates, g-a and g-b."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    out = tmp_path_factory.mktemp("province")
    port = free_port()
    layout = provision(out, "g-a", port=port)
    provision(out, "g-b")
    live = Broker(layout, port)
    yield live
    live.stop()
