#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The soak test for 20 seconds (SOAK_SECONDS): see tests/soak/.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/traffic.sh
. tests/lab/traffic.sh
# shellcheck source=tests/soak/rounds.sh
. tests/soak/rounds.sh

soak_shapes="1x500 50x5 250x1" soak_traffic=1
lab_up || exit 1
soak_config
soak_daemon "$BUILD" || exit 1
soak_for "${SOAK_SECONDS:-20}"
soak_done
tap_done
