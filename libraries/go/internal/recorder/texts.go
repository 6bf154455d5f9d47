package recorder

import "strings"

// maxTextLength is how many bytes are told of a target, an address, an error or a name.
const maxTextLength = 256

// Capped gives the beginning of a text that came from elsewhere, as valid UTF-8, without which a message cannot be
// sent, and in memory of its own: a slice would keep what it was cut from.
func Capped(text string) string {
	text = text[:min(len(text), maxTextLength)]
	return strings.Clone(strings.ToValidUTF8(text, ""))
}
