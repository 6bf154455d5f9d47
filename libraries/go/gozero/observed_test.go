package gozero

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/balancer/base"

	"github.com/pickscope/pickscope/libraries/go/internal/observe"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// firstConn is a picker that go-zero might have in a version to come.
type firstConn struct{ conn balancer.SubConn }

func (p *firstConn) Pick(balancer.PickInfo) (balancer.PickResult, error) {
	return balancer.PickResult{SubConn: p.conn}, nil
}

// Build implements base.PickerBuilder.
func (*firstConn) Build(info base.PickerBuildInfo) balancer.Picker {
	for conn := range info.ReadySCs {
		return &firstConn{conn}
	}
	return base.NewErrPicker(balancer.ErrNoSubConnAvailable)
}

// TestAnUnknownPickerIsPickedWith holds an unknown version to being seen all the same, and told as a limitation.
func TestAnUnknownPickerIsPickedWith(t *testing.T) {
	ours := balancer.Get("p2c_ewma")
	t.Cleanup(func() { balancer.Register(ours) })
	balancer.Register(base.NewBalancerBuilder("p2c_ewma", &firstConn{}, base.Config{}))
	r := recorder.New()
	observer := observe.Install(r)
	r.Watch(watcher{}, func(recorder.Moment) {})
	picker := buildPicker(t, 3)
	if _, err := picker.Pick(balancer.PickInfo{Ctx: context.Background()}); err != nil {
		t.Fatal(err)
	}
	rows := make([]recorder.PickRow, 2)
	if read, _ := r.Rows.ReadPicks(0, rows); read != 1 || rows[0].CandidateCount != 1 || rows[0].Endpoint == 0 {
		t.Errorf("%d rows: %+v", read, rows[0])
	}
	if limits := observer.Limitations(); len(limits) != 1 || !strings.Contains(limits[0], "gozero.firstConn") {
		t.Errorf("the limitations are %q", limits)
	}
}
