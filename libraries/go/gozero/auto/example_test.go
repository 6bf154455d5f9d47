package auto_test

import (
	"log"

	"github.com/zeromicro/go-zero/zrpc"

	_ "github.com/pickscope/pickscope/libraries/go/gozero/auto"
)

// A go-zero program needs the import, and nothing else. Started with PICKSCOPE=1 it can be attached to.
func Example() {
	client, err := zrpc.NewClient(zrpc.RpcClientConf{
		Endpoints: []string{"127.0.0.1:50051", "127.0.0.1:50052"},
		NonBlock:  true,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Conn().Close()
	// Its calls are balanced by p2c_ewma, as always, and each pick can be watched.
}
