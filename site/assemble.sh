#!/bin/sh
# Puts the two finished builds together: build/en and build/zh become build/site and build/site/zh, or nothing changes.
set -eu
cd "$(dirname "$0")/../build"
test -f en/index.html && test -f zh/index.html
rm -rf site.new site.old
mv en site.new
mv zh site.new/zh
if [ -d site ]; then mv site site.old; fi
mv site.new site
rm -rf site.old
