package starttls

import "blindspot/tlsparse"

// cutCode returns the length of the reply at the start of b, one or more lines
// that begin with a code of three digits (RFC 5321 §4.2.1, RFC 959 §4.2), and
// the code.
func cutCode(b []byte) (n, code int, ans tlsparse.Answer) {
	line, n, ans := cutLine(b)
	if ans == tlsparse.No || !plausibleCode(line) {
		return 0, 0, tlsparse.No
	}
	if ans == tlsparse.Maybe {
		return 0, 0, ans
	}
	if len(line) < 3 {
		return 0, 0, tlsparse.No
	}
	first := string3(line)
	code = int(first[0]-'0')*100 + int(first[1]-'0')*10 + int(first[2]-'0')
	for more := len(line) > 3 && line[3] == '-'; more; {
		line, took, ans := cutLine(b[n:])
		if ans != tlsparse.Yes {
			return 0, 0, ans
		}
		n += took
		more = len(line) < 3 || string3(line) != first || len(line) > 3 && line[3] == '-'
	}
	return n, code, tlsparse.Yes
}

func string3(b []byte) [3]byte { return [3]byte(b) }

// plausibleCode reports whether a line, or what has come of it, begins with a
// code.
func plausibleCode(line []byte) bool {
	for i, c := range line {
		if i == 3 {
			return c == ' ' || c == '-' || c == '\r'
		}
		if c < '0' || c > '9' || i == 0 && (c < '1' || c > '5') {
			return false
		}
	}
	return true
}

// greetCode takes a greeting with one of two codes. A reply of the class 1
// before it says only that it will come (RFC 959 §5.4).
func greetCode(b []byte, code1, code2 int) (n int, ans tlsparse.Answer) {
	for {
		took, code, ans := cutCode(b[n:])
		if ans != tlsparse.Yes {
			return 0, ans
		}
		n += took
		if code >= 200 {
			return n, yes(code == code1 || code == code2)
		}
	}
}

// positive reports whether a code takes a command, or asks for its next part.
func positive(code int) bool { return code >= 200 && code < 400 }

func yes(b bool) tlsparse.Answer {
	if b {
		return tlsparse.Yes
	}
	return tlsparse.No
}

// firstWord is where the verb begins in protocols without tags.
func firstWord([]byte) int { return 0 }
