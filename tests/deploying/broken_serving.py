"""A Ray cluster on which our application does not run, or not as large as it is to be."""

from __future__ import annotations

from typing import Final

from tests.deploying.broken import Case, group, one, options, ray, serve_config, settings

SERVING: Final = {
    "another Ray than the locked one": Case(
        "ray",
        lambda t: one(t, "RayService")["spec"]["rayClusterConfig"].update(rayVersion="2.9.0"),
    ),
    "a head whose death ends the cluster": Case(
        "ray",
        lambda t: one(t, "RayService")["spec"]["rayClusterConfig"].pop("gcsFaultToleranceOptions"),
    ),
    "a role for which there are no nodes": Case(
        "cluster",
        lambda t: group(t, 1)["rayStartParams"].pop("resources"),
    ),
    "bounds of a group that contradict each other": Case(
        "cluster",
        lambda t: group(t, 1).update(maxReplicas=1),
    ),
    "a key that Serve does not know": Case(
        "serve",
        lambda t: serve_config(t, "import_path:", "import:"),
    ),
    "another application": Case(
        "serve",
        lambda t: serve_config(t, "serve_app:app", "other:app"),
    ),
    "Serve on another port than the pods'": Case(
        "port",
        lambda t: serve_config(t, "port: 8000", "port: 8001"),
    ),
    "more webhook replicas than pods": Case(
        "cluster", lambda t: settings(t).update(VESTLUS_WEBHOOK_REPLICAS="4")
    ),
    "a webhook pod without a replica": Case("cluster", lambda t: group(t).update(maxReplicas=4)),
    "a head that keeps nothing": Case("ray", lambda t: ray(t).update(gcsFaultToleranceOptions={})),
    "a head that keeps everything nowhere": Case(
        "ray", lambda t: ray(t).update(gcsFaultToleranceOptions={"backend": "rocksdb"})
    ),
    "nobody who adds pods": Case("cluster", lambda t: ray(t).update(enableInTreeAutoscaling=False)),
    "nobody who is told to add pods": Case(
        "cluster", lambda t: ray(t).pop("enableInTreeAutoscaling")
    ),
    "more actors than there are pods": Case(
        "cluster", lambda t: settings(t).update(VESTLUS_CONVERSATION_ACTORS="auto:10-16")
    ),
    "more publishers than there are pods": Case(
        "cluster", lambda t: settings(t).update(VESTLUS_PUBLISHER_ACTORS="9")
    ),
    "more replicas than there are pods": Case(
        "cluster", lambda t: settings(t).update(VESTLUS_WEBHOOK_REPLICAS="9")
    ),
    "actors that are larger than pods": Case(
        "cluster", lambda t: settings(t).update(VESTLUS_ACTOR_CPUS="8")
    ),
    "actors that go to whatever pod": Case(
        "cluster", lambda t: settings(t).update(VESTLUS_NODE_ROLES="false")
    ),
    "a share of a role's resource": Case(
        "cluster",
        lambda t: group(t, 1)["rayStartParams"].update(
            resources=group(t, 1)["rayStartParams"]["resources"].replace(": 1", ": 0")
        ),
    ),
    "Serve that only its own machine reaches": Case(
        "serve", lambda t: serve_config(t, "host: 0.0.0.0", "host: 127.0.0.1")
    ),
    "Serve's proxy on the head only": Case(
        "serve", lambda t: serve_config(t, "EveryNode", "HeadOnly")
    ),
    "Serve without a proxy": Case("serve", lambda t: serve_config(t, "EveryNode", "Disabled")),
    "an application on a path of its own": Case(
        "serve", lambda t: serve_config(t, "route_prefix: /", "route_prefix: /vestlus")
    ),
    "a place that Serve does not know": Case(
        "serve", lambda t: serve_config(t, "http_options:", "options:")
    ),
    "Serve told nothing": Case(
        "serve", lambda t: one(t, "RayService")["spec"].update(serveConfigV2="{}")
    ),
    "an option that Ray does not know": Case(
        "options", lambda t: group(t)["rayStartParams"].update({"num-cpu": "1"})
    ),
    "an option of the head that Ray does not know": Case(
        "options", lambda t: ray(t)["headGroupSpec"]["rayStartParams"].update(dashboard="true")
    ),
    "an option with what Ray does not take": Case(
        "options", lambda t: group(t)["rayStartParams"].update({"object-store-memory": "100M"})
    ),
    "an option that no shell takes": Case(
        "options", lambda t: group(t)["rayStartParams"].update({"node-ip-address": '"'})
    ),
    "a head that keeps it behind a gate": Case(
        "ray", lambda t: options(t).update(backend="rocksdb")
    ),
    "a head whose settings are sent as they are": Case(
        "ray",
        lambda t: options(t).update(redisAddress="redis://vestlus-redis.vestlus.svc:6379"),
    ),
    "a head without a password": Case("secret", lambda t: options(t).pop("redisPassword")),
}
