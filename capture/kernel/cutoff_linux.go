package kernel

import (
	"github.com/cilium/ebpf/asm"
)

// What the counters are counted by, beside What: how a packet of a flow's data
// ended.
const (
	countMiss = What(iota) + Data + 1
	countStale
	countCut
	countNotAsked
	countAll
)

// counter is a value of the map of counters, which What and count… number.
type counter struct{ Packets, Bytes uint64 }

const (
	counterSize = 16
	countBytes  = 8 // offset
)

// mark is the value of the map of flows: how many openers the reader had
// counted when it last saw a packet of no use, and where they are counted.
type mark struct {
	Seen uint32
	Slot uint32
}

const markSize = 8

// cutoff emits the program of a cut-off.
func cutoff(cfg Config, flows, openers, count int) (asm.Instructions, error) {
	p := &parser{cfg: cfg, keyed: true}
	p.begin()
	p.emit(asm.Mov.Imm(asm.R1, keepAll), asm.StoreMem(asm.R10, stackKeep, asm.R1, asm.DWord))
	if len(cfg.Filter) > 0 {
		if err := p.classic(cfg.Filter, "asked", "rejected"); err != nil {
			return nil, err
		}
		p.label("asked")
	}
	p.fromLink()
	p.walk()
	p.tcp()
	p.datagram()
	p.rdp()
	p.verdicts()
	p.opener(flows, openers)
	p.lookUp(flows, openers)
	p.finish(count)
	return reachable(p.ins), nil
}

func (p *parser) tcp() {
	p.label("tcp")
	p.fetch(0, 20, "unparsed")
	p.room(asm.R3)
	p.emit(asm.JSLT.Imm(asm.R3, 20, "unparsed"))
	p.byteAt(asm.R1, 12)
	p.emit(
		asm.RSh.Imm(asm.R1, 4),
		asm.LSh.Imm(asm.R1, 2),
		asm.JLT.Imm(asm.R1, 20, "unparsed"),
		asm.JSGT.Reg(asm.R1, asm.R3, "unparsed"),
	)
	p.ends(protoTCP)
	p.byteAt(asm.R8, 13) // flags
	p.emit(
		asm.Add.Reg(asm.R7, asm.R1),
		asm.JSet.Imm(asm.R8, 2, "syn"),
	)
	p.room(asm.R3)
	p.emit(asm.JSLT.Imm(asm.R3, 6, "tcpdata"))
	p.fetch(0, 6, "unparsed")
	p.halfAt(asm.R1, 0)
	p.emit(asm.JNE.Imm(asm.R1, 0x1603, "tcpdata"))
	p.byteAt(asm.R1, 5)
	p.emit(
		asm.JEq.Imm(asm.R1, 1, "hello"),
		asm.JEq.Imm(asm.R1, 2, "hello"),
	)
	p.jump("exempt")
	p.label("tcpdata")
	p.emit(asm.JSet.Imm(asm.R8, 5, "closing")) // FIN, RST
	p.jump("data")
}

// ends writes the ends into the key, the lower one first, and keeps R1.
func (p *parser) ends(proto int32) {
	source, dest, done := p.fresh(), p.fresh(), p.fresh()
	p.emit(
		asm.Mov.Imm(asm.R0, proto),
		asm.StoreMem(asm.R10, keyProto, asm.R0, asm.Word),
		asm.LoadMem(asm.R2, asm.R10, stackBuf, asm.Half),
		asm.LoadMem(asm.R3, asm.R10, stackBuf+2, asm.Half),
	)
	for _, half := range []int16{8, 0} {
		p.emit(
			asm.LoadMem(asm.R4, asm.R10, stackSrc+half, asm.DWord),
			asm.LoadMem(asm.R5, asm.R10, stackDst+half, asm.DWord),
			asm.JLT.Reg(asm.R4, asm.R5, source),
			asm.JGT.Reg(asm.R4, asm.R5, dest),
		)
	}
	p.emit(asm.JLE.Reg(asm.R2, asm.R3, source))
	for _, order := range []struct {
		label        string
		lo, hi       int16
		loPort, hiPt asm.Register
	}{{dest, stackDst, stackSrc, asm.R3, asm.R2}, {source, stackSrc, stackDst, asm.R2, asm.R3}} {
		p.label(order.label)
		p.copy(keyLo, order.lo, 16)
		p.copy(keyHi, order.hi, 16)
		p.emit(
			asm.StoreMem(asm.R10, keyLoPort, order.loPort, asm.Half),
			asm.StoreMem(asm.R10, keyHiPort, order.hiPt, asm.Half),
		)
		if order.label == dest {
			p.jump(done)
		}
	}
	p.label(done)
}

// datagram tells openers among datagrams, of which R7 is the payload.
func (p *parser) datagram() {
	p.label("datagram")
	p.ends(protoUDP)
	p.room(asm.R8) // size
	p.emit(asm.JSLT.Imm(asm.R8, shortDatagram, "exempt"))
	p.fetch(0, 12, "unparsed")
	p.byteAt(asm.R1, 0)
	p.byteAt(asm.R2, 1)
	p.emit(
		asm.JSet.Imm(asm.R1, 0x80, "long"),
		asm.JLT.Imm(asm.R1, 20, "indication"),
		asm.JGT.Imm(asm.R1, 26, "reset"),
		asm.JEq.Imm(asm.R1, 23, "channel"),
		asm.JEq.Imm(asm.R2, 0xfe, "dtlstype"),
		asm.JNE.Imm(asm.R2, 1, "channel"),
	)
	p.label("dtlstype")
	p.emit(
		asm.JEq.Imm(asm.R1, 21, "dtls"),
		asm.JEq.Imm(asm.R1, 22, "dtls"),
	)
	p.jump("exempt")

	p.label("reset") // OpenVPN's ends in the number 0
	p.emit(
		asm.JEq.Imm(asm.R1, 7<<3, "resetlen"),
		asm.JNE.Imm(asm.R1, 8<<3, "channel"),
	)
	p.label("resetlen")
	p.emit(
		asm.JLT.Imm(asm.R8, minReset, "channel"),
		asm.JGT.Imm(asm.R8, maxReset, "channel"),
		asm.LoadMem(asm.R0, asm.R10, stackBuf, asm.DWord), // the fetch overwrites it
		asm.StoreMem(asm.R10, stackSlot, asm.R0, asm.DWord),
		asm.LoadMem(asm.R2, asm.R10, stackEnd, asm.DWord),
		asm.Sub.Imm(asm.R2, 4),
	)
	p.fetchR2(4, "unparsed")
	p.emit(
		asm.LoadMem(asm.R1, asm.R10, stackBuf, asm.Word),
		asm.JEq.Imm(asm.R1, 0, "dtls"),
	)
	p.fetch(0, 12, "unparsed")
	p.jump("channel")

	p.label("indication") // of TURN
	p.halfAt(asm.R1, 0)
	p.emit(
		asm.JEq.Imm(asm.R1, 0x16, "cookie"),
		asm.JNE.Imm(asm.R1, 0x17, "rdp"),
	)
	p.label("cookie")
	p.wordAt(asm.R1, 4)
	p.emit(asm.JEq.Imm(asm.R1, 0x2112a442, "dtls"))
	p.jump("rdp")

	p.label("channel") // of TURN
	p.byteAt(asm.R1, 0)
	p.emit(
		asm.And.Imm(asm.R1, 0xc0),
		asm.JNE.Imm(asm.R1, 0x40, "rdp"),
	)
	p.record(4, "rdp")
}

// record jumps to dtls where a DTLS handshake or alert begins at an offset in
// the buffer, else to another label.
func (p *parser) record(at int16, not string) {
	version := p.fresh()
	p.byteAt(asm.R1, at)
	p.emit(
		asm.JEq.Imm(asm.R1, 22, version),
		asm.JNE.Imm(asm.R1, 21, not),
	)
	p.label(version)
	p.byteAt(asm.R1, at+1)
	p.emit(
		asm.JEq.Imm(asm.R1, 0xfe, "dtls"),
		asm.JEq.Imm(asm.R1, 1, "dtls"),
	)
	p.jump(not)
}

// rdp tells DTLS within RDP-UDP. R8 is the size of the datagram.
func (p *parser) rdp() {
	p.label("rdp")
	p.halfAt(asm.R1, 6) // flags
	p.emit(
		asm.Mov.Reg(asm.R2, asm.R1),
		asm.And.Imm(asm.R2, 0xe01b),
		asm.JNE.Imm(asm.R2, 8, "data"),
		asm.Mov.Imm(asm.R2, 16),
		asm.JSet.Imm(asm.R1, 4, "rdpacks"),
	)
	p.jump("rdpmore")
	p.label("rdpacks")
	p.halfAt(asm.R3, 8)
	p.emit(
		asm.JGT.Imm(asm.R3, 2048, "data"),
		asm.Add.Imm(asm.R3, 5),
		asm.And.Imm(asm.R3, ^int32(3)),
		asm.Add.Reg(asm.R2, asm.R3),
	)
	p.label("rdpmore")
	p.emit(asm.JSet.Imm(asm.R1, 0x100, "rdpackacks"))
	p.jump("rdprecord")
	p.label("rdpackacks")
	p.emit(asm.Add.Imm(asm.R2, 4))
	p.label("rdprecord")
	p.emit(
		asm.Mov.Reg(asm.R3, asm.R2),
		asm.Add.Imm(asm.R3, 2),
		asm.JGT.Reg(asm.R3, asm.R8, "data"),
		asm.Add.Reg(asm.R2, asm.R7),
	)
	p.fetchR2(2, "unparsed")
	p.record(0, "data")
}

// verdicts says what a label means.
func (p *parser) verdicts() {
	for _, v := range []struct {
		label string
		what  What
		next  string
	}{
		{"unparsed", Unparsed, "count"}, {"fragment", Fragment, "count"},
		{"closing", Closing, "count"}, {"exempt", Exempt, "count"},
		{"miss", countMiss, "count"}, {"stale", countStale, "count"},
		{"cut", countCut, "drop"}, {"rejected", countNotAsked, "drop"},
		{"syn", SYN, "opener"}, {"hello", Hello, "opener"},
		{"long", LongForm, "opener"}, {"dtls", DTLS, "opener"},
	} {
		p.label(v.label)
		p.emit(asm.Mov.Imm(asm.R8, int32(v.what)))
		p.jump(v.next)
	}
	p.label("drop")
	p.emit(asm.Mov.Imm(asm.R0, 0), asm.StoreMem(asm.R10, stackKeep, asm.R0, asm.DWord))
	p.jump("count")
}

// opener counts one, and only then forgets its flow. R8 is What.
func (p *parser) opener(flows, openers int) {
	p.label("opener")
	p.emit(
		asm.LoadImm(asm.R2, hashOddSigned, asm.DWord),
		asm.Mov.Imm(asm.R3, 0),
	)
	for i := int16(0); i < keySize; i += 8 {
		p.emit(
			asm.LoadMem(asm.R1, asm.R10, stackKey+i, asm.DWord),
			asm.Xor.Reg(asm.R3, asm.R1),
			asm.Mul.Reg(asm.R3, asm.R2),
			asm.Mov.Reg(asm.R1, asm.R3),
			asm.RSh.Imm(asm.R1, 32),
			asm.Xor.Reg(asm.R3, asm.R1),
		)
	}
	p.emit(
		asm.And.Imm(asm.R3, openerSlots-1),
		asm.StoreMem(asm.R10, stackSlot, asm.R3, asm.Word),
	)
	p.mapCall(asm.FnMapLookupElem, openers, stackSlot)
	p.emit(
		asm.JEq.Imm(asm.R0, 0, "count"), // cannot be
		asm.Mov.Imm(asm.R1, 1),
		asm.StoreXAdd(asm.R0, asm.R1, asm.Word),
	)
	p.mapCall(asm.FnMapDeleteElem, flows, stackKey)
	p.jump("count")
}

// lookUp decides on data: it is cut off where its flow's mark knows of every
// opener.
func (p *parser) lookUp(flows, openers int) {
	p.label("data")
	p.mapCall(asm.FnMapLookupElem, flows, stackKey)
	p.emit(
		asm.JEq.Imm(asm.R0, 0, "miss"),
		asm.LoadMem(asm.R8, asm.R0, 0, asm.Word),
		asm.LoadMem(asm.R1, asm.R0, 4, asm.Word),
		asm.StoreMem(asm.R10, stackSlot, asm.R1, asm.Word),
	)
	p.mapCall(asm.FnMapLookupElem, openers, stackSlot)
	p.emit(
		asm.JEq.Imm(asm.R0, 0, "miss"),
		asm.LoadMem(asm.R1, asm.R0, 0, asm.Word),
		asm.JEq.Reg(asm.R1, asm.R8, "cut"),
	)
	p.jump("stale")
}

// mapCall calls a helper on a map with a key on the stack.
func (p *parser) mapCall(fn asm.BuiltinFunc, fd int, key int16) {
	p.emit(
		asm.LoadMapPtr(asm.R1, fd),
		asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, int32(key)),
		fn.Call(),
	)
}

// finish counts the packet by R8 and returns what is kept of it.
func (p *parser) finish(count int) {
	p.label("count")
	p.emit(asm.StoreMem(asm.R10, stackSlot, asm.R8, asm.Word))
	p.mapCall(asm.FnMapLookupElem, count, stackSlot)
	p.emit(
		asm.JEq.Imm(asm.R0, 0, "return"), // cannot be
		asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
		asm.Add.Imm(asm.R1, 1),
		asm.StoreMem(asm.R0, 0, asm.R1, asm.DWord),
		asm.LoadMem(asm.R1, asm.R0, countBytes, asm.DWord),
		asm.LoadMem(asm.R2, asm.R6, skbLen, asm.Word),
		asm.Add.Reg(asm.R1, asm.R2),
		asm.StoreMem(asm.R0, countBytes, asm.R1, asm.DWord),
	)
	p.label("return")
	p.emit(asm.LoadMem(asm.R0, asm.R10, stackKeep, asm.DWord), asm.Return())
}
