// A service on go-zero, as its clients of other services are written: it calls shop.Cart. The first import is all that makes
// it attachable.
package main

import (
	"bufio"
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	_ "github.com/pickscope/pickscope/libraries/go/gozero/auto"

	"github.com/zeromicro/go-zero/core/conf"
	"github.com/zeromicro/go-zero/core/logx"
	"github.com/zeromicro/go-zero/core/proc"
	"github.com/zeromicro/go-zero/zrpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

var configFile = flag.String("f", "etc/recommendations.yaml", "the config file")

// Config is what the file holds.
type Config struct {
	Log            logx.LogConf
	Cart           zrpc.RpcClientConf
	CallsPerSecond float64
}

// methods of shop.Cart, and how often each is called, of all calls.
var methods = []struct {
	name  string
	ratio float64
}{
	{"GetCart", 0.6},
	{"ListItems", 0.25},
	{"PutItem", 0.1},
	{"Checkout", 0.05},
}

func main() {
	flag.Parse()
	var c Config
	conf.MustLoad(*configFile, &c, conf.UseEnv())
	logx.MustSetup(c.Log)

	go callSteadily(zrpc.MustNewClient(c.Cart), c.CallsPerSecond, rates())
	select {}
}

// rates gives how many calls a second there are to be from now on, where the parent process writes that to the standard
// input. The program ends with its parent.
func rates() <-chan float64 {
	told := make(chan float64)
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			if rate, err := strconv.ParseFloat(lines.Text(), 64); err == nil {
				told <- rate
			}
		}
		proc.Shutdown()
		os.Exit(0)
	}()
	return told
}

// callSteadily makes calls as a Poisson process does.
func callSteadily(cart zrpc.Client, rate float64, rates <-chan float64) {
	for {
		var next <-chan time.Time
		if rate > 0 {
			next = time.After(time.Duration(rand.ExpFloat64() / rate * float64(time.Second)))
		}
		select {
		case rate = <-rates:
		case <-next:
			go callOne(cart)
		}
	}
}

func callOne(cart zrpc.Client) {
	// Some calls are meant to fail; Pickscope shows them.
	_ = cart.Conn().Invoke(context.Background(), "/shop.Cart/"+anyMethod(), &emptypb.Empty{}, &emptypb.Empty{})
}

func anyMethod() string {
	left := rand.Float64()
	for _, method := range methods {
		if left -= method.ratio; left < 0 {
			return method.name
		}
	}
	return methods[0].name
}
