"""Files of machines, images and servers, broken so that something is open or does not start."""

from __future__ import annotations

from typing import Final

_CADDY: Final = "deploy/vm/Caddyfile"
_SETTINGS: Final = "deploy/vm/settings.env"
_NFT: Final = "deploy/vm/nftables.conf"
_UNIT: Final = "deploy/vm/vestlus.service"
_ON_RAY: Final = "deploy/vm/vestlus-on-ray.service"
_PROMETHEUS: Final = "deploy/monitoring/prometheus.yml"
_RABBITMQ: Final = "deploy/rabbitmq.conf"

_PROXY: Final = "reverse_proxy 127.0.0.1:8000"

#: As in broken_files.py: a file, what is in it, what comes in its place, the rule that finds it.
BROKEN_MACHINES: Final = [
    (
        _CADDY,
        "\thandle @public {",
        f"\thandle /console* {{\n\t\t{_PROXY}\n\t}}\n\thandle @public {{",
        "public",
    ),
    (_CADDY, "\thandle @public {", f"\t{_PROXY}\n\thandle @public {{", "public"),
    (_CADDY, "\thandle @public {", "\trewrite * /api/v1{uri}\n\thandle @public {", "public"),
    (_CADDY, "\thandle @public {", "\thandle {", "public"),
    (_CADDY, "\thandle @own {", "\thandle {", "public"),
    (_CADDY, "\thandle @own {", "\thandle @others {", "public"),
    (_CADDY, "\t@own remote_ip private_ranges", "", "public"),
    (_CADDY, "remote_ip private_ranges", "remote_ip 0.0.0.0/0", "public"),
    (_CADDY, "remote_ip private_ranges", "not remote_ip private_ranges", "public"),
    (_CADDY, "remote_ip private_ranges", "path /console/* /api/v1/*", "public"),
    (_CADDY, "respond 404", "respond 200", "public"),
    (_CADDY, "max_size 4MiB", "max_size 4KiB", "body"),
    (_CADDY, _PROXY, "reverse_proxy 127.0.0.1:8265", "upstream"),
    (_CADDY, _PROXY, "reverse_proxy 127.0.0.1", "upstream"),
    (_CADDY, _PROXY, "reverse_proxy 10.0.0.4:8000", "upstream"),
    (_CADDY, _PROXY, f"{_PROXY} 127.0.0.1:8265", "upstream"),
    (_CADDY, _PROXY, "reverse_proxy /console/* 127.0.0.1:8265", "upstream"),
    (_CADDY, _PROXY, "reverse_proxy {\n\t\t\tto 127.0.0.1:8265\n\t\t}", "upstream"),
    (_CADDY, _PROXY, f"{_PROXY} {{\n\t\t\tdynamic a example.org 8000\n\t\t}}", "upstream"),
    (_CADDY, _PROXY, "reverse_proxy", "upstream"),
    (_SETTINGS, "VESTLUS_HTTP_PORT=8000", "VESTLUS_HTTP_PORT=8001", "upstream"),
    (_SETTINGS, "VESTLUS_HTTP_HOST=127.0.0.1", "VESTLUS_HTTP_HOST=::1", "upstream"),
    (_CADDY, "# The console,", "}\n# The console,", "public"),
    (_NFT, 'iifname "lo" accept', 'iifname "eth0" accept', "public"),
    (_NFT, 'iifname "lo" accept', "accept", "public"),
    (_NFT, "tcp dport { 22, 80, 443 } accept", "tcp dport 1-65535 accept", "public"),
    (_NFT, "tcp dport { 22, 80, 443 } accept", "ip saddr 10.0.0.0/8 accept", "public"),
    (_NFT, "udp dport 443 accept", "ip saddr 10.0.0.4 tcp dport 8265 accept", "public"),
    (_NFT, "udp dport 443 accept", "ip saddr 8.8.8.8 tcp dport 9000 accept", "public"),
    (_NFT, "udp dport 443 accept", "jump others", "public"),
    (_NFT, "table inet vestlus {", "table ip vestlus {", "public"),
    (_UNIT, "Requires=vestlus-firewall.service", "", "unit"),
    (_UNIT, "network-online.target vestlus-firewall.service", "network-online.target", "unit"),
    (_UNIT, "EnvironmentFile=-/run/vestlus-settings/settings.env", "", "unit"),
    (_UNIT, "=-/run/vestlus-settings/", "=-/run/vestlus/", "unit"),
    (_UNIT, "bin/vestlus serve", "bin/vestlus demo", "unit"),
    (_UNIT, "RAY_USAGE_STATS_ENABLED", "RAY_USAGE_STATS", "settings"),
    (_UNIT, "VESTLUS_DATA_DIR", "VESTLUS_DATADIR", "settings"),
    (_UNIT, "Environment=HOME", "Environment=VESTLUS_HTTPHOST=::1 HOME", "settings"),
    (_UNIT, "Environment=HOME", "Environment=HOM", "unit"),
    (_ON_RAY, "RAY_ADDRESS", "RAY_ADRESS", "settings"),
    (_ON_RAY, "bin/vestlus serve", "bin/vestlus", "unit"),
    (_ON_RAY, "EnvironmentFile=-/run/vestlus-settings/settings.env", "", "unit"),
    ("cluster.yaml", "RAY_gcs_storage=rocksdb", "", "cluster"),
    ("cluster.yaml", "RAY_gcs_storage_path=", "RAY_gcs_storage_place=", "settings"),
    ("cluster.yaml", "RAY_gcs_storage_path=", "RAY_gcs_storage_path=/tmp", "cluster"),
    ("cluster.yaml", "/home/vestlus/.ray/auth_token: ~/.ray/auth_token", "", "cluster"),
    ("cluster.yaml", "$RAY_HEAD_IP:6379", "$RAY_HEAD_IP:6380", "cluster"),
    ("cluster.yaml", "--port=6379", "--port=6380", "cluster"),
    ("cluster.yaml", "RAY_SERVE_PROXY_READY", "RAY_SERVE_PROXY_REDY", "settings"),
    ("Dockerfile", 'ENTRYPOINT ["vestlus"]', 'ENTRYPOINT ["vestlos"]', "image"),
    ("Dockerfile", 'ENTRYPOINT ["vestlus"]', "ENTRYPOINT vestlus", "image"),
    ("Dockerfile", 'CMD ["serve"]', 'CMD ["demo"]', "image"),
    ("Dockerfile", "--from=build /opt/vestlus /opt", "--from=build /opt/service /opt", "image"),
    (
        "Dockerfile",
        "--from=build /opt/vestlus /opt/vestlus",
        "--from=build /opt/vestlus /srv",
        "image",
    ),
    ("Dockerfile", "COPY --from=build", "COPY --from=built", "image"),
    ("Dockerfile", "PATH=/opt/vestlus/bin:", "PATH=", "image"),
    ("Dockerfile", "    RAY_USAGE_STATS_ENABLED", "    RAY_USAGE_STATISTICS", "settings"),
    (_PROMETHEUS, "- rules.yml", "- rule.yml", "alerts"),
    (_PROMETHEUS, "job_name: vestlus", "job_name: service", "alerts"),
    (_PROMETHEUS, "metrics_path: /metrics", "metrics_path: /measures", "probe"),
    (_RABBITMQ, "raft.wal_max_size_bytes", "raft.wal_max_size_byte", "configuration"),
    (_RABBITMQ, "disk_free_limit.absolute = 2GB", "disk_free_limit.absolute", "configuration"),
]
