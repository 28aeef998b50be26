# Sourced by the programs beside this folder: a private PostgreSQL and Redis under the data folder, for those of the
# two that DATABASE_URL and REDIS_URL do not name.
#
#   services_use       starts what is not running, and exports DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL
#   services_release   stops both when nobody else uses them; harmless when called twice, or without services_use
#
# Every program that uses the services holds a shared lock, which the kernel drops when it ends, however it ends. The
# last one out stops them, so that a command and a running server do not get in each other's way.
# shellcheck shell=bash

# Settings of PostgreSQL that a caller adds (script/test: speed before safety), and what its owner may do beside owning the
# database (statements of the administrator).
DATABASE_SETTINGS=()
DATABASE_RIGHTS=()
# The descriptor of a lock of the caller's own, which the services must not keep when it ends.
CALLERS_LOCK=""

_mutex="" _users="" _pg="" _redis="" _new_app_role=""

services_use() {
    if [[ -n "${DATABASE_URL:-}" && -n "${REDIS_URL:-}" ]]; then return 0; fi
    exec {_mutex}>"$HALL_DATA_DIR/services.mutex" {_users}>"$HALL_DATA_DIR/services.users"
    flock -w 120 "$_mutex" || die "Another command has been starting or stopping the services for two minutes; try again."
    flock -s "$_users"
    if [[ -z "${DATABASE_URL:-}" ]]; then _use_postgres; fi
    if [[ -z "${REDIS_URL:-}" ]]; then _use_redis; fi
    _write_environment
    flock -u "$_mutex"
}

services_release() {
    if [[ -z "$_users" ]]; then return 0; fi
    flock -w 120 "$_mutex" || true
    exec {_users}>&-
    exec {_users}>"$HALL_DATA_DIR/services.users"
    if flock -x -n "$_users"; then
        if [[ -n "$_redis" ]]; then _stop_redis; fi
        if [[ -n "$_pg" ]]; then _stop_postgres; fi
    fi
    exec {_users}>&- {_mutex}>&-
    _users="" _mutex=""
}

# For a look by hand: `set -a; . .data/environment; psql "$DATABASE_OWNER_URL"` while the services run.
_write_environment() {
    (
        umask 077
        printf '%s=%q\n' HALL_DATA_DIR "$HALL_DATA_DIR" DATABASE_URL "$DATABASE_URL" \
            DATABASE_OWNER_URL "${DATABASE_OWNER_URL:-}" REDIS_URL "$REDIS_URL" \
            SECRET_KEY "${SECRET_KEY:-}" DJANGO_SETTINGS_MODULE "${DJANGO_SETTINGS_MODULE:-}" \
            >"$HALL_DATA_DIR/environment.new"
        mv "$HALL_DATA_DIR/environment.new" "$HALL_DATA_DIR/environment"
    )
}

# ---------------------------------------------------------------------------------------------------------------- users

# PostgreSQL refuses to run as root, and Redis should not either. Users are given by number throughout.
_as() {
    local user="$1"
    shift
    if [[ "$(id -u)" == 0 && "$user" != 0 ]]; then
        setpriv --reuid="$user" --regid="$(id -g "$user" 2>/dev/null || printf '%s' "$user")" --clear-groups -- "$@"
    else
        "$@"
    fi
}

# _server_user NAME: as whom to run the server NAME.
_server_user() {
    if [[ "$(id -u)" != 0 ]]; then id -u; else id -u "$1" 2>/dev/null || id -u nobody; fi
}

# _give USER PATH: as root, what we write for a server is its own.
_give() { if [[ "$(id -u)" == 0 ]]; then chown "$1" "$2"; fi; }

# let_go_of_locks: closes them, in a subshell that starts a server (or an installation, which may start one): it would
# hold them as long as it runs.
let_go_of_locks() {
    local descriptor
    for descriptor in "$_users" "$_mutex" "$CALLERS_LOCK"; do
        if [[ -n "$descriptor" ]]; then exec {descriptor}>&-; fi
    done
}

# _place NAME USER: makes the folder NAME for USER in the data folder, or, where USER cannot get there, elsewhere with
# a link to it, and prints its path.
_place() {
    local name="$1" user="$2" folder="$HALL_DATA_DIR/$1" away
    if [[ -L "$folder" && ! -d "$folder" ]]; then rm "$folder"; fi
    if [[ ! -e "$folder" ]]; then
        mkdir -m 700 "$folder"
        if ! { _give "$user" "$folder" && _as "$user" test -w "$folder"; } >/dev/null 2>&1; then
            rmdir "$folder"
            away="/var/lib/hall-$(printf '%s' "$HALL_DATA_DIR" | sha256sum | cut -c1-12)"
            mkdir -p "$away" && chmod 711 "$away"
            if [[ -e "$away/$name" ]]; then
                say "$away/$name is left from a data folder that is gone: kept as $away/$name.$(date +%Y%m%d%H%M%S)."
                mv "$away/$name" "$away/$name.$(date +%Y%m%d%H%M%S)"
            fi
            mkdir -m 700 "$away/$name"
            chown "$user" "$away/$name"
            ln -s "$away/$name" "$folder"
            say "The user $(id -un "$user") cannot reach $HALL_DATA_DIR, so $name is kept in $away/$name."
        fi
    fi
    (cd "$folder" && pwd -P)
}

# _runs_in PID FOLDER USER PROGRAM: whether that process is PROGRAM at work in FOLDER. A number left by a crash may
# by now belong to anyone.
_runs_in() {
    [[ -n "$1" && -d "/proc/$1" && "$(cat "/proc/$1/comm" 2>/dev/null)" == "$4"* ]] &&
        [[ "$(_as "$3" readlink "/proc/$1/cwd" 2>/dev/null)" == "$2" ]]
}

# _port NAME: the port remembered for NAME if it is free, otherwise a free one, remembered from now on.
_port() {
    local file="$HALL_DATA_DIR/$1.port" remembered
    remembered="$(cat "$file" 2>/dev/null || true)"
    "$VENV/bin/python" - "${remembered:-0}" >"$file.new" <<'PYTHON'
import random
import socket
import sys

for port in [int(sys.argv[1]), *random.sample(range(20000, 30000), 200)]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            if port:
                probe.bind(("127.0.0.1", port))
                print(port)
                break
        except OSError:
            continue
else:
    sys.exit("No free port between 20000 and 30000 on 127.0.0.1.")
PYTHON
    mv "$file.new" "$file"
    cat "$file"
}

# ----------------------------------------------------------------------------------------------------------- PostgreSQL

_use_postgres() {
    # Variables of libpq meant for another server would bend the connections to this one.
    unset "${!PG@}" 2>/dev/null || true
    local user password app_password admin attempt
    user="$(_server_user postgres)"
    password="$(secret pg_password)"
    app_password="$(secret pg_app_password)"
    admin="$(secret pg_admin_password)"
    _pg="$(_place pg "$user")"
    _pg_user="$(stat -c %u "$_pg")"
    _find_postgres
    if [[ ! -f "$_pg/PG_VERSION" ]]; then _make_cluster "$admin"; fi

    if ! _runs_in "$(head -n1 "$_pg/postmaster.pid" 2>/dev/null || true)" "$_pg" "$_pg_user" postgres; then
        rm -f "$_pg/postmaster.pid"
        # Another process can take the port between the look and the start; after a crash the old server's children
        # need a moment to notice.
        for attempt in 1 2 3; do
            if _start_postgres; then break; fi
            if [[ "$attempt" == 3 ]]; then
                tail -n 15 "$HALL_DATA_DIR/logs/postgresql.log" >&2 || true
                die "PostgreSQL did not start. Its log: $HALL_DATA_DIR/logs/postgresql.log"
            fi
            sleep 2
        done
    fi
    _pg_port="$(sed -n 4p "$_pg/postmaster.pid")"
    _psql "$admin" -c "select 1" >/dev/null || die "PostgreSQL runs but refuses us; its password is in $HALL_DATA_DIR/pg_admin_password."
    if [[ "$(_psql "$admin" -c "select count(*) from pg_roles where rolname = 'hall'")" == 0 ]]; then
        _psql "$admin" -c "create role hall login createdb password '$password'"
    fi
    # hall owns the tables, hall_app works on them: each migration gives it its rights (portal/rights.py).
    if [[ "$(_psql "$admin" -c "select count(*) from pg_roles where rolname = 'hall_app'")" == 0 ]]; then
        _psql "$admin" -c "create role hall_app login password '$app_password'"
        _new_app_role=1
    fi
    if [[ "$(_psql "$admin" -c "select count(*) from pg_database where datname = 'hall'")" == 0 ]]; then
        _psql "$admin" -c "create database hall owner hall"
    elif [[ -n "$_new_app_role" && "$(_psql "$admin" -d hall -c "select to_regclass('django_migrations') is null")" == f ]]; then
        say "The database has a role of its own for the hall's work now; script/server or script/manage migrate gives it its rights."
    fi
    for right in "${DATABASE_RIGHTS[@]}"; do _psql "$admin" -c "$right"; done
    export DATABASE_OWNER_URL="postgres://hall:$password@127.0.0.1:$_pg_port/hall"
    export DATABASE_URL="postgres://hall_app:$app_password@127.0.0.1:$_pg_port/hall"
}

_find_postgres() {
    local version=""
    if [[ -f "$_pg/PG_VERSION" ]]; then version="$(cat "$_pg/PG_VERSION")"; fi
    _pg_bin="$(printf '%s\n' "/usr/lib/postgresql/${version:-*}/bin" | while read -r pattern; do
        # shellcheck disable=SC2086
        printf '%s\n' $pattern
    done | sort -V | tail -n1)"
    if [[ ! -x "$_pg_bin/initdb" ]]; then
        _pg_bin="$(dirname "$(command -v initdb || printf '/nowhere/initdb')")"
    fi
    [[ -x "$_pg_bin/initdb" ]] || die "PostgreSQL ${version:-15 or later} is not installed: run script/bootstrap."
}

# PG_VERSION arrives last: without it, what an interrupted start left is thrown away.
_make_cluster() {
    local passwords making="$_pg/making"
    say "Making a PostgreSQL database cluster in $_pg"
    find "$_pg" -mindepth 1 -delete
    passwords="$(mktemp)"
    printf '%s\n' "$1" >"$passwords"
    _give "$_pg_user" "$passwords"
    mkdir -m 700 "$making"
    _give "$_pg_user" "$making"
    if ! (cd "$_pg" && _as "$_pg_user" "$_pg_bin/initdb" -D "$making" --encoding=UTF8 --locale=C.UTF-8 --auth=scram-sha-256 \
        --username=postgres --pwfile="$passwords" >>"$HALL_DATA_DIR/logs/postgresql.log" 2>&1); then
        rm -f "$passwords"
        tail -n 15 "$HALL_DATA_DIR/logs/postgresql.log" >&2
        die "The database cluster could not be made."
    fi
    rm -f "$passwords"
    printf "host all all 127.0.0.1/32 scram-sha-256\n" >"$making/pg_hba.conf"
    printf "include 'hall.conf'\n" >>"$making/postgresql.conf"
    find "$making" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$_pg" {} +
    mv "$making/PG_VERSION" "$_pg/PG_VERSION"
    rmdir "$making"
}

_start_postgres() {
    local port setting
    port="$(_port pg)" || return 1
    {
        printf '# Written anew at every start by script/lib/services.sh.\n'
        printf '%s\n' "port = $port" "listen_addresses = '127.0.0.1'" "unix_socket_directories = ''" \
            "timezone = 'UTC'" "log_timezone = 'UTC'" "password_encryption = 'scram-sha-256'" \
            "shared_buffers = 256MB" "max_wal_size = 2GB" "jit = off"
        for setting in "${DATABASE_SETTINGS[@]}"; do printf '%s\n' "$setting"; done
    } >"$_pg/hall.conf"
    _give "$_pg_user" "$_pg/hall.conf"
    trim_log postgresql
    (let_go_of_locks && cd "$_pg" && _as "$_pg_user" "$_pg_bin/pg_ctl" start -D "$_pg" -w -t 60 -s) \
        </dev/null >>"$HALL_DATA_DIR/logs/postgresql.log" 2>&1
}

_stop_postgres() {
    if _runs_in "$(head -n1 "$_pg/postmaster.pid" 2>/dev/null || true)" "$_pg" "$_pg_user" postgres; then
        (cd "$_pg" && {
            _as "$_pg_user" "$_pg_bin/pg_ctl" stop -D "$_pg" -m fast -w -t 60 -s ||
                _as "$_pg_user" "$_pg_bin/pg_ctl" stop -D "$_pg" -m immediate -w -t 20 -s
        }) >>"$HALL_DATA_DIR/logs/postgresql.log" 2>&1 || say "PostgreSQL in $_pg did not stop."
    fi
}

_psql() {
    local password="$1"
    shift
    PGOPTIONS="-c client_min_messages=warning" PGPASSWORD="$password" "$_pg_bin/psql" -h 127.0.0.1 -p "$_pg_port" -U postgres -d postgres -qXtA -v ON_ERROR_STOP=1 "$@"
}

# ---------------------------------------------------------------------------------------------------------------- Redis

_use_redis() {
    local password port attempt
    password="$(secret redis_password)"
    _redis="$(_place redis "$(_server_user redis)")"
    _redis_user="$(stat -c %u "$_redis")"
    if ! _redis_runs; then
        command -v redis-server >/dev/null || die "Redis is not installed: run script/bootstrap."
        for attempt in 1 2 3; do
            if _start_redis "$password"; then break; fi
            if [[ "$attempt" == 3 ]]; then
                tail -n 15 "$HALL_DATA_DIR/logs/redis.log" >&2 || true
                die "Redis did not start. Its log: $HALL_DATA_DIR/logs/redis.log"
            fi
            sleep 1
        done
    fi
    port="$(cat "$HALL_DATA_DIR/redis.port")"
    export REDIS_URL="redis://:$password@127.0.0.1:$port/0"
}

_redis_runs() { _runs_in "$(cat "$_redis/redis.pid" 2>/dev/null || true)" "$_redis" "$_redis_user" redis-server; }

_start_redis() {
    local password="$1" port attempt
    port="$(_port redis)" || return 1
    rm -f "$_redis/redis.pid"
    (
        umask 077
        printf '%s\n' "# Written anew at every start by script/lib/services.sh." \
            "port $port" "bind 127.0.0.1" "requirepass $password" "dir \"$_redis\"" "pidfile \"$_redis/redis.pid\"" \
            "appendonly yes" "appendfsync everysec" "save \"\"" "daemonize no" >"$_redis/redis.conf"
        _give "$_redis_user" "$_redis/redis.conf"
    )
    trim_log redis
    (let_go_of_locks && cd "$_redis" && _as "$_redis_user" setsid redis-server "$_redis/redis.conf") \
        </dev/null >>"$HALL_DATA_DIR/logs/redis.log" 2>&1 &
    for attempt in {1..100}; do
        if [[ "$(REDISCLI_AUTH="$password" redis-cli -h 127.0.0.1 -p "$port" ping 2>/dev/null)" == PONG ]]; then
            if _redis_runs; then return 0; fi
        fi
        sleep 0.1
    done
    return 1
}

_stop_redis() {
    local pid attempt
    if ! _redis_runs; then return 0; fi
    pid="$(cat "$_redis/redis.pid")"
    kill -TERM "$pid" 2>/dev/null || true
    for attempt in {1..200}; do
        if ! kill -0 "$pid" 2>/dev/null; then return 0; fi
        sleep 0.05
    done
    say "Redis in $_redis did not stop (process $pid)."
}

# trim_log NAME: sets a log aside when it has grown past ten megabytes.
trim_log() {
    local log="$HALL_DATA_DIR/logs/$1.log"
    if [[ -f "$log" && "$(stat -c %s "$log")" -gt 10000000 ]]; then mv "$log" "$log.1"; fi
}
