#!/bin/sh
# Freezes lines of Debian's htpasswd (apache2-utils) as vectors, one for each scheme and password.
#
#     sh make_htpasswd_vectors.sh > htpasswd.json
set -eu

version=$(dpkg-query -W -f '${Version}' apache2-utils)
printf '{\n"provenance": "apache2-utils %s, by tests/vectors/make_htpasswd_vectors.sh",\n"lines": [' "$version"
comma=''
for options in -nbB '-nbB -C 4' -nbm -nbs -nbd -nb2 -nb5 '-nb2 -r 7000' '-nb5 -r 1234'; do
  for password in 'secret' 'with spaces: and colons' 'pässwörd ключ' 'x' '' \
    'a password that is longer than the eight characters of DES and the 64 bytes of a block of MD5'; do
    # shellcheck disable=SC2086 -- several options are several words
    line=$(htpasswd $options ada "$password" 2>/dev/null | head -n 1)
    printf '%s\n{"command": "htpasswd %s", "password": "%s", "line": "%s"}' "$comma" "$options" "$password" "$line"
    comma=','
  done
done
printf '\n]\n}\n'
