# Runs a command that has nothing above it but init, with this process's streams, and ends with its status:
# `below_nobody.sh STATUS-FILE COMMAND…`. Used by tests of what is refused below an AI tool, which may run them.
status=$1
exec 3<&0
sh -c '
    sh -c '\''
        while grep -q "^PPid:[[:space:]]*$0\$" "/proc/$$/status"; do sleep 0.01; done
        status=$1
        shift
        "$@"
        echo $? > "$status.new"
        mv "$status.new" "$status"
    '\'' $$ "$@" <&3 3<&- &
' sh "$@"
while [ ! -e "$status" ]; do sleep 0.02; done
code=$(cat "$status")
rm "$status"
exit "$code"
