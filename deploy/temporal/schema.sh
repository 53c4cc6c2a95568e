#!/bin/sh
# Temporal's two databases, brought to the schema of this image; every step may be repeated.
# Server, port, user and password come as SQL_* variables.
set -eu

schema=/etc/temporal/schema/postgresql/v12

prepare() {
    temporal-sql-tool --database "$1" create
    temporal-sql-tool --database "$1" setup-schema --version 0.0
    temporal-sql-tool --database "$1" update-schema --schema-dir "$schema/$2/versioned"
}

prepare temporal temporal
prepare temporal_visibility visibility
