package observe_test

import (
	"fmt"

	"google.golang.org/grpc"
)

// What is known of the version that the tests run with.
var (
	// bindsAtDial: the service config that a channel is made with is given its policy's builder at once.
	bindsAtDial = minor() >= 63
	// hasDialHook: the registry is looked at whenever a channel is made.
	hasDialHook = minor() >= 65
	// restrictsCodes: a policy cannot end a call with just any code.
	restrictsCodes = minor() >= 51
)

func minor() int {
	var major, minor int
	if _, err := fmt.Sscanf(grpc.Version, "%d.%d", &major, &minor); err != nil {
		panic(err)
	}
	return minor
}
