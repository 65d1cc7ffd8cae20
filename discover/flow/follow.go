package flow

import (
	"blindspot/capture"
	"blindspot/capture/decode"
)

// Course is how far a flow has come.
type Course uint8

// The courses of a flow.
const (
	CourseNone      Course = iota // not in the table
	CourseOpen                    // what it carries is not known
	CourseHandshake               // a handshake is under way
	CourseAnswered                // it is over
	CourseForeign                 // it carries something else
)

// followed takes segments one by one and tells of the course of their flows.
func (t *Table) followed(list []decode.Segment) {
	for i := range list {
		s := &list[i]
		before := t.course(s, t.hashes[i])
		t.number = s.Number
		t.take(s, t.hashes[i])
		t.cfg.Follow(s, before, t.course(s, t.hashes[i]))
	}
}

func (t *Table) course(s *decode.Segment, h uint32) Course {
	_, e, _ := t.find(s, h)
	switch {
	case e == nil:
		return CourseNone
	case e.hs == 0 && e.list == listSYN:
		return CourseOpen
	case e.hs == 0 && e.flags&flagForeign != 0:
		return CourseForeign
	case e.hs == 0:
		return CourseAnswered
	case e.key.proto == decode.TCP && t.hs.get(e.hs).client == noDir:
		return CourseOpen
	}
	return CourseHandshake
}

// Packets returns the packets that are being read. They are valid within a call
// of Config.Follow or Reader.Progress.
func (r *Reader) Packets() []capture.Packet { return r.batch[:r.taken] }
