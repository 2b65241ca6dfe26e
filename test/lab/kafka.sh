#!/usr/bin/env bash
# A real Kafka broker for tests: one node (KRaft), on loopback only, from Apache's own jars. Needs Java 17, Maven and OpenSSL.
#   kafka.sh install               fetch the jars once into the cache; prints the folder, which is TAPLINE_KAFKA_DIR for the tests
#   kafka.sh start FOLDER PORT     broker with its data in FOLDER: PLAINTEXT on PORT, SASL_SSL on PORT+1 (tapline / tapline-secret;
#                                  FOLDER/tls/ca.crt), controller on PORT+2, and PLAINTEXT on PORT+4 for a
#                                  proxy of the test on PORT+3; returns when it answers on the wire
#   kafka.sh topic PORT NAME [PARTITIONS [MAX_MESSAGE_BYTES]]
#   kafka.sh kill9 FOLDER | stop FOLDER
set -euo pipefail
version=4.3.1
cache=${TAPLINE_KAFKA_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/tapline/kafka}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

install_jars() {
  if [ ! -e "$cache/installed-$version" ]; then
    rm -rf "$cache/libs.part"
    mkdir -p "$cache/libs.part"
    cat >"$cache/pom.xml" <<XML
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>tapline</groupId><artifactId>test-broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.4</version></dependency>
  </dependencies>
</project>
XML
    mvn -B -q -f "$cache/pom.xml" dependency:copy-dependencies -DoutputDirectory="$cache/libs.part" -DincludeScope=runtime >&2
    rm -rf "$cache/libs"
    mv "$cache/libs.part" "$cache/libs"
    touch "$cache/installed-$version"
  fi
  echo "$cache"
}

make_tls() { # a CA of its own and a certificate for localhost
  [ -e "$1/server.pem" ] && return 0
  mkdir -p "$1"
  (
    cd "$1"
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=tapline-test-ca -keyout ca.key -out ca.crt
    openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out server.crt -extfile <(echo subjectAltName=DNS:localhost,IP:127.0.0.1)
    openssl pkcs8 -topk8 -nocrypt -in server.key -out server.p8
    cat server.p8 server.crt ca.crt >server.pem
  ) 2>/dev/null
}

settings() {
  local folder=$1 port=$2 plain='org.apache.kafka.common.security.plain.PlainLoginModule required user_tapline="tapline-secret";'
  cat <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 2))
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listeners=PLAINTEXT://127.0.0.1:$port,SASL_SSL://127.0.0.1:$((port + 1)),CONTROLLER://127.0.0.1:$((port + 2)),PROXIED://127.0.0.1:$((port + 4))
advertised.listeners=PLAINTEXT://127.0.0.1:$port,SASL_SSL://localhost:$((port + 1)),PROXIED://127.0.0.1:$((port + 3))
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location=$folder/tls/server.pem
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=$plain
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
log.dirs=$folder/data
num.partitions=1
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
CONF
}

answers() { # Kafka's ApiVersions request (key 18, version 0) over the wire: ready, without a second JVM
  node -e '
    const socket = require("node:net").connect(+process.argv[1], "127.0.0.1");
    const body = Buffer.concat([Buffer.from([0, 18, 0, 0, 0, 0, 0, 1, 0, 1]), Buffer.from("r")]);
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length);
    socket.setTimeout(2000, () => process.exit(1)).on("error", () => process.exit(1)).on("close", () => process.exit(1));
    socket.on("connect", () => socket.write(Buffer.concat([length, body]))).on("data", () => process.exit(0));
  ' "$1"
}

start() {
  local folder=$1 port=$2
  mkdir -p "$folder"
  make_tls "$folder/tls"
  settings "$folder" "$port" >"$folder/server.properties"
  cat >"$folder/log4j2.xml" <<'XML'
<Configuration status="ERROR"><Appenders><Console name="c"><PatternLayout pattern="%d %p %m (%c{1})%n"/></Console></Appenders>
<Loggers><Root level="WARN"><AppenderRef ref="c"/></Root></Loggers></Configuration>
XML
  local classes="$folder:$cache/libs/*"
  if [ ! -e "$folder/data/meta.properties" ]; then
    java -cp "$classes" kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qg -c "$folder/server.properties" \
      -S 'SCRAM-SHA-512=[name=tapline,password=tapline-secret]' >"$folder/format.log" 2>&1
  fi
  setsid java -Xmx384m -Xms256m -XX:TieredStopAtLevel=1 -Djava.awt.headless=true -cp "$classes" kafka.Kafka "$folder/server.properties" >>"$folder/broker.log" 2>&1 </dev/null &
  echo $! >"$folder/pid"
  for _ in $(seq 240); do
    answers "$port" && return 0
    kill -0 "$(cat "$folder/pid")" 2>/dev/null || { tail -20 "$folder/broker.log" >&2; return 1; }
    sleep 0.25
  done
  echo "the broker did not become ready; see $folder/broker.log" >&2
  return 1
}

topic() {
  cd "$here/../.." # kafkajs is found from here
  node --input-type=module -e '
    const { default: { Kafka, logLevel } } = await import("kafkajs");
    const [, port, topic, partitions, bytes] = process.argv;
    const admin = new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const configEntries = bytes === undefined ? [] : [{ name: "max.message.bytes", value: bytes }];
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: +partitions, replicationFactor: 1, configEntries }] });
    // Made is not known everywhere at once: on a busy machine the broker may not have heard of its own topic yet.
    for (let left = 100; ; left--) {
      const known = await admin.fetchTopicMetadata({ topics: [topic] }).catch((cause) => { if (left === 0) throw cause; });
      if (known?.topics[0]?.partitions.length === +partitions && known.topics[0].partitions.every((each) => each.leader >= 0)) break;
      if (left === 0) throw new Error(`topic ${topic} has no leaders`);
      await new Promise((done) => setTimeout(done, 200));
    }
    await admin.disconnect();' "$@"
}

stop() {
  [ -e "$1/pid" ] || return 0
  local pid
  pid=$(cat "$1/pid")
  kill "$2" "$pid" 2>/dev/null || true
  for _ in $(seq 150); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$1/pid"
}

case ${1:-} in
  install) install_jars ;;
  start) start "$2" "$3" ;;
  topic) topic "$2" "$3" "${4:-1}" ${5+"$5"} ;;
  kill9) stop "$2" -KILL ;;
  stop) stop "$2" -TERM ;;
  *) sed -n '2,9p' "$0" >&2; exit 2 ;;
esac
