package logs

import "strings"

// history is ssl_history (since Zeek 4.1): the messages in the order in which
// they came, those of the client in upper case. From Zeek's documentation of
// SSL::Info:
//
//	^ direction flipped      G client_key_exchange  B heartbeat
//	H hello_request          F finished             D application_data
//	C client_hello           W certificate_url      E end_of_early_data
//	S server_hello           U certificate_status   O encrypted_extensions
//	V hello_verify_request   A supplemental_data    P key_update
//	T NewSessionTicket       Z unassigned type      M message_hash
//	X certificate            I change_cipher_spec   J hello_retry_request
//	K server_key_exchange    R certificate_request  N server_hello_done
//	Y certificate_verify     L alert                Q unknown_content_type
//
// Zeek stops writing it after 100 letters.
type history string

// flipped reports that the client of the handshake is not the originator of
// the connection.
func (h history) flipped() bool { return strings.IndexByte(string(h), '^') >= 0 }

// client and server report whether that side sent the message of a letter,
// which is given in upper case.
func (h history) client(letter byte) bool { return strings.IndexByte(string(h), letter) >= 0 }
func (h history) server(letter byte) bool { return strings.IndexByte(string(h), letter|0x20) >= 0 }

// serverSpoke reports whether anything of the server was seen.
func (h history) serverSpoke() bool { return strings.ToUpper(string(h)) != string(h) }

// lastAlert returns who sent the last alert, and whether nothing but alerts
// came after it: then it ended the handshake.
func (h history) lastAlert() (fromServer, last, ok bool) {
	i := strings.LastIndexAny(string(h), "lL")
	if i < 0 {
		return false, false, false
	}
	return h[i] == 'l', i == len(h)-1, true
}
