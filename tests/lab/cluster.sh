#!/bin/bash
# tests/lab/cluster.sh: three RabbitMQ nodes on this machine, the one in use killed while gates publish; about a minute and a half.
# Nothing of Debian's own service is touched: names, ports, cookie and data are the test's, all on loopback (tests/cluster/nodes.py).
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -x .venv/bin/python ] || { echo "cluster: left out: there is no .venv; make venv makes it"; exit 77; }
exec .venv/bin/python -m tests.cluster
