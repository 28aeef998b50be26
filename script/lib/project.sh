# Sourced by the programs beside this folder: where the project is, how they speak, and how they run a command.
# shellcheck shell=bash

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)"
VENV="$ROOT/.venv"

# All words go to stderr, so that stdout carries only what a command prints.
say() { printf '%s\n' "$*" >&2 || true; }

die() {
    say "$*"
    exit 1
}

# usage FILE: prints what the comment at the head of FILE says.
usage() { sed -n '2,/^[^#]/{/^#/!q;s/^# \{0,1\}//p}' "$1"; }

# asked_for_usage ARGUMENTS…: whether the first of them asks how a program is used.
asked_for_usage() { [[ "${1:-}" == --help || "${1:-}" == -h ]]; }

# use_data_folder [NAME]: sets and makes HALL_DATA_DIR, or the folder NAME in it.
use_data_folder() {
    local folder="${HALL_DATA_DIR:-$ROOT/.data}" outer
    [[ "$folder" == /* ]] || folder="$PWD/$folder"
    outer="$folder"
    folder="$folder${1:+/$1}"
    mkdir -p "$folder" 2>/dev/null || die "The data folder $folder cannot be made. HALL_DATA_DIR names another place."
    if [[ ! -w "$folder" || ! -w "$outer" ]]; then
        die "The data folder $folder belongs to $(stat -c %U "$folder"), and you are $(id -un)." \
            "Run this as $(stat -c %U "$folder"), or set HALL_DATA_DIR to a place of your own."
    fi
    # As root, the database runs as another user, who has to pass through; all that is secret has its own 0600.
    if [[ "$(id -u)" == 0 ]]; then chmod 711 "$outer" "$folder"; else chmod 700 "$outer" "$folder"; fi
    export HALL_DATA_DIR="$folder"
    mkdir -p "$folder/logs"
}

# secret FILE: prints the secret kept in FILE of the data folder; makes one when there is none.
secret() {
    local file="$HALL_DATA_DIR/$1"
    if [[ ! -s "$file" ]]; then
        (umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$file.new" && mv "$file.new" "$file")
    fi
    cat "$file"
}

# use_environment: exports what the settings read, apart from the addresses of the services.
use_environment() {
    export DJANGO_SETTINGS_MODULE="${DJANGO_SETTINGS_MODULE:-portal.settings.dev}"
    [[ -n "${SECRET_KEY:-}" ]] || SECRET_KEY="$(secret secret_key)"
    export SECRET_KEY
    if [[ -z "${PUBLIC_URL:-}" && -s "$HALL_DATA_DIR/public_url" ]]; then
        PUBLIC_URL="$(cat "$HALL_DATA_DIR/public_url")"
        export PUBLIC_URL
    fi
    # Where the last script/server had its stand-in for the payment providers.
    if [[ -z "${STAND_IN_GATEWAY_URL:-}" && -s "$HALL_DATA_DIR/gateway_url" ]]; then
        STAND_IN_GATEWAY_URL="$(cat "$HALL_DATA_DIR/gateway_url")"
        export STAND_IN_GATEWAY_URL
    fi
}

# Signals. A command that runs through `attend` hears what this script is told; the script then ends by its exit trap.
_child=""
_told=""

_tell() {
    _told="$1"
    if [[ -z "$_child" ]]; then
        case "$1" in INT) exit 130 ;; HUP) exit 129 ;; *) exit 143 ;; esac
    fi
    # Ctrl-C in a terminal already reached the child: it is in the same process group.
    if [[ "$1" != INT || ! -t 0 ]]; then kill -s "$1" "$_child" 2>/dev/null || true; fi
}

listen_to_signals() {
    trap '_tell INT' INT
    trap '_tell TERM' TERM
    trap '_tell HUP' HUP
    trap '' PIPE
}

# attend COMMAND…: runs it with this script's stdin, stdout and stderr; gives its exit code. Where a signal came
# meanwhile, `interrupted` names it: the command may have ended well all the same.
interrupted=""
attend() {
    local code
    interrupted=""
    # Should this script be killed outright, the kernel tells the command to end.
    setpriv --pdeathsig TERM env --default-signal=INT,QUIT,PIPE "$@" <&0 &
    _child=$!
    while :; do
        _told=""
        code=0
        wait "$_child" || code=$?
        [[ -n "$_told" ]] || break
        interrupted="$_told"
        if ! kill -0 "$_child" 2>/dev/null; then
            wait "$_child" 2>/dev/null || code=$?
            break
        fi
    done
    _child=""
    return "$code"
}

# stop_if_interrupted: ends the script by its exit trap when a signal came during the last `attend`.
stop_if_interrupted() {
    case "$interrupted" in
    INT) exit 130 ;;
    HUP) exit 129 ;;
    TERM) exit 143 ;;
    esac
}

# started_at PID: when that process started, in clock ticks since boot. With the PID it names a process for good.
started_at() {
    local stat
    stat="$(cat "/proc/$1/stat" 2>/dev/null)" || return 1
    stat="${stat##*) }"
    # shellcheck disable=SC2086
    set -- $stat
    printf '%s' "${20}"
}
