#!/usr/bin/env bash
# Runs once, when the cluster is new: Handrail's database and its three roles.
# The migrations grant the rest; here nobody but the owner may do more than connect.
set -euo pipefail

password() {
    local file="${HANDRAIL_SECRETS:-/run/secrets}/$1"
    if ! grep -q '[^[:space:]]' "$file"; then
        echo "the secret $1 is empty: fill in .env, remove the volume 'events' and start again" >&2
        return 1
    fi
    cat "$file"
}

# Through the environment, not the command line: arguments are visible to every process.
OWNER_PASSWORD=$(password handrail_owner_password)
APP_PASSWORD=$(password handrail_app_password)
READER_PASSWORD=$(password handrail_reader_password)
export OWNER_PASSWORD APP_PASSWORD READER_PASSWORD

psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
\getenv reader_password READER_PASSWORD

-- A statement that fails is not to be logged with the password in it.
set log_min_error_statement = panic;
set log_min_duration_statement = -1;

create role handrail_owner login password :'owner_password';
create role handrail_app login password :'app_password';
create role handrail_reader login password :'reader_password';

-- Defaults, which a session may change; whoever changes them is ended by the worker.
alter role handrail_reader set transaction_timeout = '60s';
alter role handrail_reader set idle_in_transaction_session_timeout = '30s';
-- So that the owner's function may end a reader's transaction that holds the log's readers back.
grant handrail_reader to handrail_owner with inherit true, set false;

create database handrail owner handrail_owner;
revoke all on database handrail from public;
grant connect on database handrail to handrail_app, handrail_reader;
SQL
