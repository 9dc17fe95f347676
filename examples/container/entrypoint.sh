#!/bin/sh
# CLUSTER_ID is the one variable of Apache Kafka's image that is no setting.
exec dohle start ${CLUSTER_ID:+--cluster-id "$CLUSTER_ID"} "$@"
