package recorder

import "strings"

// maxTextLength is how many bytes are told of a target, an address, an error or a name.
const maxTextLength = 256

// capped gives the beginning of a text that came from elsewhere, as valid UTF-8 in memory of its own: a slice would keep
// the whole text.
func capped(text string) string {
	if len(text) > maxTextLength {
		text = strings.Clone(text[:maxTextLength])
	}
	return strings.ToValidUTF8(text, "")
}
