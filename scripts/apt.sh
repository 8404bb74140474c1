# Sourced by what needs packages of Debian that are not to be installed, or their sources: an apt of its own, which knows
# nothing of this machine but where its archives are.

# The archives of this machine, one a line: https://…/debian, and its -security where there is one.
debian_archives() {
    local found
    found=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        sed -nE 's/^(URIs:|deb)( \[[^]]*\])? *(https?:[^ ]*debian(-security)?)(\/? .*|\/?)$/\3/p' | sort -u) || true
    printf '%s\n' "${found:-http://deb.debian.org/debian}"
}

# own_apt DIR: what apt does from now on, it does in DIR, with the archives on standard input: "deb|deb-src URI RELEASE main".
# Not in a pipeline: what it sets would be lost there.
own_apt() {
    mkdir -p "$1"/{state/lists/partial,cache/archives/partial,parts}
    sed -E 's|^(deb(-src)?) |\1 [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] |' >"$1/list"
    cat >"$1/conf" <<CONF
Dir::State "$1/state";
Dir::State::status "/dev/null";
Dir::Cache "$1/cache";
Dir::Etc::SourceList "$1/list";
Dir::Etc::SourceParts "$1/parts";
APT::Sandbox::User "";
CONF
    export APT_CONFIG=$1/conf
    apt-get update -q
}
