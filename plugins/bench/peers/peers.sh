#!/usr/bin/env bash
# Runs the peers and ours side by side on this machine and prints one table.
#
#   plugins/bench/peers/peers.sh DATA
#
# DATA holds fajsp/*.txt, hfsp/*.txt with best_known.csv, and wfinstances/**/*.json. What is missing
# is left out. SECONDS_EACH (10), HFSP_SECONDS (60), HFSP_EVERY (1), DAG_SECONDS (1), THREADS (2) and
# PLANNER (portfolio) may be set, and ONLY to some of: saga speed fajsp hfsp simpy.
set -euo pipefail
cd "$(dirname "$0")/../../.."
data=${1:?give the folder of the data}
target=${CARGO_TARGET_DIR:-target}
peers=plugins/bench/peers
venv=${PEERS_VENV:-$target/peers}
threads=${THREADS:-2}
planner=${PLANNER:-portfolio}
only=${ONLY:-saga speed fajsp hfsp simpy}
export PYTHONDONTWRITEBYTECODE=1

if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r $peers/requirements.txt
cargo build --release -p bench --examples
summary=$(mktemp)
trap 'rm -f "$summary"' EXIT

compare() {
  echo
  echo "== $1"
  "$venv/bin/python" "$peers/$1" "${@:2}" --summary "$summary"
}

has() {
  [[ " $only " == *" $1 "* ]] && compgen -G "$2" >/dev/null
}

examples=$target/release/examples
if has saga "$data/wfinstances/*/*"; then
  mapfile -t workflows < <(find "$data/wfinstances" -name '*.json' | sort)
  compare saga_compare.py --dags "$examples/dags" --planner workflow \
    --seconds "${DAG_SECONDS:-1}" "${workflows[@]}"
fi
if has speed "$examples/dags"; then
  compare saga_speed.py --dags "$examples/dags"
fi
if has fajsp "$data/fajsp/*.txt"; then
  compare fajsp_compare.py --planners "$examples/planners" --planner "$planner" \
    --seconds "${SECONDS_EACH:-10}" --threads "$threads" "$data"/fajsp/*.txt
fi
if has hfsp "$data/hfsp/best_known.csv"; then
  compare hfsp_published.py --planners "$examples/planners" --planner "$planner" \
    --seconds "${HFSP_SECONDS:-60}" --threads "$threads" --every "${HFSP_EVERY:-1}" \
    "$data/hfsp/best_known.csv"
fi
if has simpy "$examples/engine"; then
  compare simpy_compare.py --engine "$examples/engine"
fi

echo
"$venv/bin/python" -c "import sys; sys.path.insert(0, '$peers'); import summary; summary.show('$summary')"
