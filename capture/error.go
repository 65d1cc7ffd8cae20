package capture

import (
	"errors"
	"strconv"
)

// Error is a fault of the input: a file that is no capture, or damage in one.
type Error struct {
	File         string
	Offset       int64  // where in the file, of the uncompressed data where it is compressed; 0: the file as a whole
	Uncompressed bool   // Offset counts uncompressed bytes
	Reason       string // what is wrong
	Hint         string // why that may be, or what to do
	Err          error  // the error underneath, if any
}

// Error returns one line: file, offset, what is wrong and what to do.
func (e *Error) Error() string {
	s := e.File
	if e.Offset > 0 {
		s += ": offset " + strconv.FormatInt(e.Offset, 10)
		if e.Uncompressed {
			s += " of the uncompressed data"
		}
	}
	s += ": " + e.Reason
	if e.Hint != "" {
		s += " — " + e.Hint
	}
	return s
}

// Unwrap returns the error underneath.
func (e *Error) Unwrap() error { return e.Err }

const allBefore = "; everything before it was read"

// damage is an error at the window's position, after which nothing is read.
func (f *File) damage(reason, hint string) *Error {
	return &Error{
		File: f.name, Offset: f.win.offset(), Uncompressed: f.compression != "",
		Reason: reason + allBefore, Hint: hint,
	}
}

// cut is the damage of a stream that ends within what ("record", "block") of
// size bytes, of which left are there; or of one that cannot be read further.
func (f *File) cut(what string, size int64) *Error {
	return f.cutBy(what, size, int64(f.win.end-f.win.pos))
}

func (f *File) cutBy(what string, size, left int64) *Error {
	reason := what
	if size > 0 {
		reason += " of " + strconv.FormatInt(size, 10) + " bytes"
	}
	reason += " runs past the end of the file (" + strconv.FormatInt(left, 10) + " bytes left)"
	if err := f.win.failure(); err != nil {
		e := f.damage(f.readFault(err), f.readHint())
		e.Err = err
		return e
	}
	return f.damage(reason, "the capture was cut off while being written, or has not been copied whole")
}

func (f *File) readFault(err error) string {
	if f.compression == "" {
		return "cannot be read further: " + err.Error()
	}
	return "the " + f.compression + " data is cut off or damaged (" + err.Error() + ")"
}

func (f *File) readHint() string {
	if errors.Is(f.win.err, errShrunk) {
		return "read it again when nothing writes to it any more"
	}
	if f.compression == "" {
		return "check the device or the pipe that it comes from"
	}
	return "copy the file again, or check it with '" + f.compression + " -t'"
}
