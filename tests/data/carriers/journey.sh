# Two societies whose nodes never reach each other; what the test reads is printed.
set -eu
trap 'kill $(jobs -p) 2>/dev/null || true; wait || true' EXIT

for name in geneva north south nadia samir; do head -c 32 /dev/urandom > $name.credential; done
chmod 600 *.credential
kinmesh ceremony run --network drill-carry --out custodians --custodians 3 --threshold 2 --unprotected
kinmesh --dir geneva init --role coordinator --network drill-carry --listen /ip4/127.0.0.1/tcp/9 --credential geneva.credential
kinmesh --dir north init --member NORTH --society "North Red Cross" --network drill-carry --listen /ip4/127.0.0.1/tcp/9 --user nadia --credential north.credential --user-credential nadia.credential
kinmesh --dir south init --member SOUTH --society "South Red Crescent" --network drill-carry --listen /ip4/127.0.0.1/tcp/9 --user samir --credential south.credential --user-credential samir.credential
cat > roster.toml <<'END'
network = "drill-carry"
expires_days = 30
pace = { drill_hour_ms = 50 }
custodians = "custodians/custodians.toml"
coordinator = "geneva/enrol-coordinator.toml"
END
kinmesh roster propose --from roster.toml --enrol north/enrol-NORTH.toml south/enrol-SOUTH.toml --out roster.proposal
kinmesh roster sign --yes --key custodians/custodian-1.key roster.proposal
kinmesh roster sign --yes --key custodians/custodian-3.key roster.proposal

# run NODE: each listens where nobody looks for it, since the roster says port 9.
run() {
    sed -i 's#/ip4/127.0.0.1/tcp/9#/ip4/127.0.0.1/tcp/0#' "$1/config.toml"
    kinmesh --dir "$1" daemon run --credential "$1.credential" > "$1.log" 2>&1 &
    until kinmesh --dir "$1" status > /dev/null 2>&1; do kill -0 $! || { cat "$1.log"; exit 1; }; sleep 0.1; done
}

# The coordination node is gone before the others begin; its file holds the roster alone.
run geneva
kinmesh --dir geneva roster publish roster.proposal --bundle roster-alone.kmb
fingerprint=$(kinmesh --dir geneva roster show | sed -n 's/^root fingerprint //p')
kinmesh --dir geneva daemon stop
for node in north south; do
    run $node
    kinmesh --dir $node join roster-alone.kmb --fingerprint "$fingerprint"
done
kinmesh --dir north daemon unlock --user nadia --credential nadia.credential
kinmesh --dir south daemon unlock --user samir --credential samir.credential
kinmesh --dir north person import "$DATA/north.csv"
kinmesh --dir south person import "$DATA/south.csv"
kinmesh --dir south case open --form "$DATA/case.toml"
case=$(kinmesh --dir south case list | awk '/^C-/ { print $1 }')
kinmesh --dir south search run "$case" --yes

# carry FROM TO TO-ID NUMBER: one file.
carry() {
    kinmesh --dir "$1" bundle export --to "$3" --out "$1-$4.kmb" 2>&1
    kinmesh --dir "$2" bundle import "$1-$4.kmb" 2>&1
}

# The search waits in the first file already.
carry south north NORTH intro
carry north south SOUTH intro
test "$(stat -c %a north-intro.kmb)" = 600

candidate=
for turn in 1 2 3 4 5 6 7 8 9; do
    carry south north NORTH $turn
    if [ $turn = 2 ]; then
        echo "== inspect"
        kinmesh bundle inspect south-2.kmb
        kinmesh --json bundle inspect south-2.kmb
        echo "== damaged"
        size=$(stat -c %s south-2.kmb)
        head -c $((size - 100)) south-2.kmb > cut.kmb
        kinmesh --dir north bundle import cut.kmb 2>&1 && exit 1
        kinmesh --dir south bundle import south-2.kmb 2>&1 && exit 1
        kinmesh --dir north bundle import north.csv.none 2>&1 && exit 1
        kinmesh --dir north bundle import "$DATA/north.csv" 2>&1 && exit 1
        kinmesh --dir south bundle export --to NORTH --out south-2.kmb 2>&1 && exit 1
        echo "again: $(kinmesh --dir north bundle import south-2.kmb | sed -n 's/^✓ //p')"
    fi
    # Answers to claims take up to 48 hours of the drill.
    sleep 2.6
    if [ -z "$candidate" ]; then
        candidate=$(kinmesh --dir north candidate list | awk '/to_review/ { print $1 }')
        if [ -n "$candidate" ]; then
            kinmesh --dir north candidate review "$candidate" --verdict same
            kinmesh --dir north contact consent "$candidate" --decision contact --how oral_witnessed --text-file "$DATA/consent.txt"
            kinmesh --dir north disclosure propose "$candidate" --send
        fi
    fi
    carry north south SOUTH $turn
    if [ -n "$candidate" ] && kinmesh --dir south disclosure list | grep -q "$candidate"; then
        kinmesh --dir south disclosure receive "$candidate" --outcome reunited
        carry south north NORTH last
        kinmesh --dir north candidate list | grep reunited
        kinmesh --dir south status | grep -i down
        exit 0
    fi
    sleep 0.4
done
kinmesh --dir south search status
kinmesh --dir north candidate list
echo "no disclosure came"
exit 1
