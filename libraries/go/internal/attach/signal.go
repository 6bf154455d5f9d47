package attach

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
)

// recordOnSignal has a recording saved whenever the process gets a signal, named as in PICKSCOPE_RECORD_SIGNAL, and
// logs where it is, or why there is none. What it gives ends that.
func recordOnSignal(name string, save func(file string) (string, error)) (stop func()) {
	if name == "" {
		return func() {}
	}
	wanted, known := recordSignals[name]
	if !known {
		all := strings.Join(slices.Sorted(maps.Keys(recordSignals)), ", ")
		warn(fmt.Sprintf("no recording is written at %s (PICKSCOPE_RECORD_SIGNAL): "+
			"that is no signal to record at. Use %s.", name, all))
		return func() {}
	}
	signals, ended := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, wanted)
	go func() {
		defer close(ended)
		for range signals {
			saveAndTell(save)
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
		<-ended
	}
}

func saveAndTell(save func(file string) (string, error)) {
	file, err := save("")
	if err != nil {
		warn(fmt.Sprintf("no recording is written: %v.", err))
		return
	}
	slog.Info("Pickscope: the last seconds are recorded.", "file", file)
}
