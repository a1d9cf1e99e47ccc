"""W5: the embedded servers start wherever their folder lies."""

import uuid

from bihuan_tools.stack.kafka import _cluster_id


def test_a_cluster_id_never_looks_like_an_option() -> None:
    """Kafka's own form: 16 bytes as 22 characters of base64; a leading "-" fails the format command."""
    for name in range(500):
        made = _cluster_id(uuid.uuid5(uuid.NAMESPACE_URL, str(name)))
        assert len(made) == 22
        assert not made.startswith("-"), made
