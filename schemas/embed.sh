#!/bin/sh
# Prints, as C, the table of migrations made from numbered files: embed.sh schemas/sql/0001_initial.sql …
# The number is the version; the files must be given in order, and no number may be missing.
set -eu
printf '%s\n' '/* Made by schemas/embed.sh from schemas/sql; not to be edited. */' \
	'#include "broker/store/migrate.h"' '' 'const struct migration store_migrations[] = {'
expected=1
for file in "$@"; do
	name=$(basename "$file" .sql)
	version=$(expr "${name%%_*}" + 0)
	if [ "$version" -ne "$expected" ]; then
		echo "$file: migration $expected was expected" >&2
		exit 1
	fi
	printf '\t{%s, "%s",\n' "$version" "$name"
	awk '{ gsub(/\\/, "&&"); gsub(/"/, "\\\\&"); printf "\t\t\"%s\\n\"\n", $0 }' "$file"
	printf '\t},\n'
	expected=$((expected + 1))
done
printf '%s\n' '};' 'const size_t store_migrations_count = sizeof(store_migrations) / sizeof(store_migrations[0]);'
