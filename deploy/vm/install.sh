#!/bin/sh
# install.sh: the whole service on one machine with Debian 12 or 13, or Ubuntu 24.04. As root, in a
# checkout. It may be called again, after a new version too: what is there is kept.
# What it leaves to you: the settings in /etc/vestlus, /etc/caddy/Caddyfile, and the start.
set -eu
cd "$(dirname "$0")/../.."

say() { echo "install: $*"; }

[ "$(id -u)" = 0 ] || { say "must be called by root"; exit 1; }

export DEBIAN_FRONTEND=noninteractive
say "packages"
apt-get update -q
apt-get install -q -y --no-install-recommends \
    ca-certificates caddy nftables postgresql python3 python3-venv rabbitmq-server rsync

getent passwd vestlus >/dev/null ||
    useradd --system --user-group --home-dir /var/lib/vestlus --shell /usr/sbin/nologin vestlus

say "code in /opt/vestlus"
mkdir -p /opt/vestlus
rsync --archive --delete --chown=root:root --exclude __pycache__ \
    pyproject.toml README.md LICENSE requirements scripts serve_app.py conversation_registry.py \
    actors image_bank publishers vestlus /opt/vestlus/
(umask 022 && PYTHONDONTWRITEBYTECODE= sh /opt/vestlus/scripts/install run)

say "settings in /etc/vestlus"
install -d -m 755 /etc/vestlus
[ -f /etc/vestlus/settings.env ] || install -m 600 deploy/vm/settings.env /etc/vestlus/settings.env
[ -f /etc/vestlus/vestlus.toml ] || install -m 644 deploy/vm/vestlus.toml /etc/vestlus/vestlus.toml
[ -f /etc/vestlus/nftables.conf ] ||
    install -m 644 deploy/vm/nftables.conf /etc/vestlus/nftables.conf

# given NAME: whether the settings have a value for it.
given() { grep -q "^$1=." /etc/vestlus/settings.env; }
set_to() { sed -i "s|^$1=.*|$1=$2|" /etc/vestlus/settings.env; }
password() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

if ! given VESTLUS_BUS_URL; then
    say "RabbitMQ: the user vestlus"
    install -D -m 644 deploy/rabbitmq.conf /etc/rabbitmq/conf.d/90-vestlus.conf
    systemctl restart rabbitmq-server
    secret=$(password)
    rabbitmqctl --quiet add_user vestlus "$secret" 2>/dev/null ||
        rabbitmqctl --quiet change_password vestlus "$secret"
    rabbitmqctl --quiet set_permissions vestlus '.*' '.*' '.*'
    # It comes with a password that everybody knows.
    rabbitmqctl --quiet delete_user guest 2>/dev/null || true
    set_to VESTLUS_BUS_URL "amqp://vestlus:$secret@127.0.0.1:5672/"
fi
if ! given VESTLUS_DATABASE_URL; then
    say "PostgreSQL: the role and the database vestlus"
    systemctl start postgresql
    secret=$(password)
    as_postgres() { (cd / && runuser -u postgres -- psql -qtA -v ON_ERROR_STOP=1 "$@"); }
    [ "$(as_postgres -c "SELECT 1 FROM pg_roles WHERE rolname = 'vestlus'")" = 1 ] ||
        as_postgres -c "CREATE ROLE vestlus LOGIN"
    # By standard input: a command's words are shown by ps.
    echo "ALTER ROLE vestlus PASSWORD '$secret'" | as_postgres
    [ "$(as_postgres -c "SELECT 1 FROM pg_database WHERE datname = 'vestlus'")" = 1 ] ||
        as_postgres -c "CREATE DATABASE vestlus OWNER vestlus"
    set_to VESTLUS_DATABASE_URL "postgresql://vestlus:$secret@127.0.0.1:5432/vestlus"
fi

say "units"
for unit in vestlus.service vestlus-firewall.service; do
    install -m 644 "deploy/vm/$unit" "/etc/systemd/system/$unit"
done
install -D -m 644 deploy/vm/nftables-service.conf /etc/systemd/system/nftables.service.d/vestlus.conf
install -m 755 deploy/vm/vestlus-run /usr/local/sbin/vestlus-run
systemctl daemon-reload
systemctl enable --quiet rabbitmq-server postgresql vestlus-firewall vestlus
# Reloaded, its rules are never away; restarted, it would take the service with it.
systemctl reload-or-restart vestlus-firewall
if systemctl is-active --quiet vestlus; then
    say "restarting vestlus with what is new"
    systemctl restart vestlus
else
    say "done. Now: /etc/vestlus/settings.env and vestlus.toml, deploy/vm/Caddyfile for /etc/caddy,"
    say "then: systemctl start vestlus, and vestlus-run doctor (docs/operations.md)"
fi
