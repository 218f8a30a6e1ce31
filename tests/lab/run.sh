#!/bin/bash
# tests/lab/run.sh [NAME...]: run the lab's scripts (all, or those named without .sh), one after the other; needs root.
# Each prints `ok` and `FAILED` lines and ends with 0, 1 (something failed) or 77 (cannot run here, and said why).
set -euo pipefail
cd "$(dirname "$0")"
[ "$(id -u)" = 0 ] || { echo "make lab: the lab makes whole machines and needs root" >&2; exit 2; }

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for script in *.sh; do [ "$script" = run.sh ] || names+=("${script%.sh}"); done
fi
failed=0 passed=0 left_out=0
for name in "${names[@]}"; do
  echo "-- lab: $name"
  begin=$SECONDS status=0
  "./$name.sh" </dev/null || status=$?
  case $status in
    0) passed=$((passed + 1)) verdict=ok ;;
    77) left_out=$((left_out + 1)) verdict='left out' ;;
    *) failed=$((failed + 1)) verdict=FAILED ;;
  esac
  echo "-- lab: $name: $verdict, $((SECONDS - begin)) s"
done
echo "lab: $passed passed, $failed failed, $left_out skipped"
[ "$failed" = 0 ]
