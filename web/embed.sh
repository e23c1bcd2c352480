#!/bin/sh
# Writes a C file with the bytes of the named files and a table of them (web/embed.h) to standard output.
# Usage: embed.sh FILE...   with paths from the source root, which is the working directory.
set -eu
LC_ALL=C
export LC_ALL
echo '/* Made by web/embed.sh. */'
echo '#include "web/embed.h"'
n=0
rows=
for file in $(printf '%s\n' "$@" | sort -u); do
	printf 'static const unsigned char file_%d[] = {\n' "$n"
	od -An -v -tx1 "$file" | sed 's/ *\([0-9a-f][0-9a-f]\)/0x\1,/g'
	echo '0};'
	rows="$rows	{\"$file\", file_$n, sizeof(file_$n) - 1},
"
	n=$((n + 1))
done
printf 'const struct embedded embedded_files[] = {\n%s	{0, 0, 0},\n};\n' "$rows"
printf 'const size_t n_embedded_files = %d;\n' "$n"
