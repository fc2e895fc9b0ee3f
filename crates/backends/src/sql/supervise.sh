# Runs a database server for as long as standard input stays open: that is
# the life of the test process, however it ends.
# supervise.sh FOLDER PROGRAM ARGUMENT...
folder=$1
shift
pid=
while read -r order; do
    case $order in
    start)
        "$@" >>"$folder/log" 2>&1 </dev/null &
        pid=$!
        ;;
    kill)
        kill -9 "$pid"
        wait "$pid"
        ;;
    stop)
        kill "$pid"
        wait "$pid"
        ;;
    esac
    echo "$order"
done
kill -9 "$pid" 2>/dev/null
wait
rm -rf "$folder"
