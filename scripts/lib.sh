# Shared by the scripts beside it; sourced, never run.
# shellcheck shell=bash

say() { printf '%s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# step TITLE COMMAND...: a heading, the command, the seconds it took. A failing command ends the script.
step() {
    local title=$1 began=$SECONDS
    shift
    printf '\n=== %s\n' "$title"
    if ! "$@" </dev/null; then
        printf '\n=== FAILED after %d s: %s\n    %s\n' "$((SECONDS - began))" "$title" "$*" >&2
        exit 1
    fi
    printf '=== %s: %d s\n' "$title" "$((SECONDS - began))"
}

# A loopback port that nothing listens on now, below the range the kernel hands out for outgoing connections.
# Another process may still take it first: whoever starts a server on it must notice and try again.
free_port() {
    local port attempt
    for ((attempt = 0; attempt < 100; attempt++)); do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            printf '%s' "$port"
            return
        fi
    done
    die "no free loopback port found"
}

# stop PID [SIGNAL]: asks a process of ours to end, waits ten seconds, then insists. Only ever by pid.
stop() {
    local pid=$1 signal=${2:-TERM} tries
    kill -s "$signal" "$pid" 2>/dev/null || return 0
    for ((tries = 0; tries < 100; tries++)); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -s KILL "$pid" 2>/dev/null || true
}

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# install_packages NAME...: from Debian's packages, installed but not started. False where that is impossible.
install_packages() {
    can_install || return 1
    local policy=/usr/sbin/policy-rc.d created="" outcome=0
    say "installing $* (apt-get)"
    # A freshly installed nginx or PostgreSQL would start on its well-known port; this asks Debian not to.
    if [ ! -e "$policy" ]; then
        created=yes
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    apt_install "$@" || { apt-get update -qq && apt_install "$@"; } || outcome=1
    [ -z "$created" ] || rm -f "$policy"
    return "$outcome"
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "$@" </dev/null >/dev/null
}

# The folder that holds initdb, pg_ctl and postgres of the newest PostgreSQL here. Distributions keep them off PATH.
postgres_bin() {
    local dir
    for dir in "$(dirname "$(readlink -f "$(command -v initdb)")")" \
        $(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/pgsql/bin | sort -rV); do
        if [ -x "$dir/initdb" ] && [ -x "$dir/pg_ctl" ] && [ -x "$dir/postgres" ]; then
            printf '%s' "$dir"
            return
        fi
    done
}

nginx_bin() {
    local found
    found=$(PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v nginx) || return 1
    case $("$found" -V 2>&1) in
    *http_auth_request_module*) printf '%s' "$found" ;;
    *) return 1 ;;
    esac
}
