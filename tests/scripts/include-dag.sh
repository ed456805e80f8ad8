#!/usr/bin/env bash
# Prove from the #include lines that the arrows of the architecture form a DAG:
# by folder (base <- conf <- health <- proxy, stats-ui beside proxy, the files at
# the root see all) and by file (a .c and its .h together are one node).
set -u

cd "$(dirname "$0")/../.." || exit 1
# What each folder may include, itself included.
allowed() {
	case $1 in
	base)		echo " base " ;;
	conf)		echo " base conf " ;;
	health)		echo " base conf health " ;;
	proxy)		echo " base conf health proxy " ;;
	stats-ui)	echo " base conf health stats-ui " ;;
	.)		echo " base conf health proxy stats-ui . " ;;
	esac
}

# The folder of a path, "." for the root.
folder() {
	case $1 in
	*/*)	echo "${1%%/*}" ;;
	*)	echo . ;;
	esac
}

passed=0 failed=0 edges=0
pairs=$(mktemp)
trap 'rm -f "$pairs"' EXIT
for file in base/*.[ch] conf/*.[ch] health/*.[ch] proxy/*.[ch] stats-ui/*.[ch] *.[ch]; do
	[ -f "$file" ] || continue
	bad=0 may=$(allowed "$(folder "$file")") node=${file%.[ch]}
	while IFS=: read -r line target; do
		edges=$((edges + 1))
		if [ ! -f "$target" ]; then
			echo "$file:$line: \"$target\" is not a path from the root"
			bad=1
		elif [[ $may != *" $(folder "$target") "* ]]; then
			echo "$file:$line: $(folder "$file") may not include $target"
			bad=1
		elif [ "${target%.[ch]}" != "$node" ]; then
			echo "$node ${target%.[ch]}" >>"$pairs"
		fi
	done < <(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$file" |
	    sed 's/^\([0-9]*\):[^"]*"\([^"]*\)".*/\1:\2/')
	if [ "$bad" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done

# tsort names the nodes of a loop when there is one.
if loops=$(tsort "$pairs" 2>&1 >/dev/null); then
	passed=$((passed + 1))
else
	echo "these files include each other in a circle:"
	printf '%s\n' "${loops//tsort: /  }" | grep -v 'contains a loop'
	failed=$((failed + 1))
fi
echo "$edges includes between own files"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
