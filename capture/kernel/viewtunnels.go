package kernel

func (v *Viewer) gre() What {
	x := &v.p
	b := x.need(x.off, 4)
	if b == nil {
		return Unparsed
	}
	flags, typ := be16(b), be16(b[2:])
	if flags&0x4007 != 0 { // routing, version
		return Unparsed
	}
	kind, id := uint32(kindGRE), uint32(0)
	x.off += 4
	if flags&0x8000 != 0 {
		x.off += 4
	}
	if flags&0x2000 != 0 {
		if b = x.need(x.off, 4); b == nil {
			return Unparsed
		}
		kind, id = kindGREKey, be32(b)
		x.off += 4
	}
	if flags&0x1000 != 0 {
		x.off += 4
	}
	switch typ {
	case etherERSPAN:
		return v.erspan(flags&0x1000 != 0)
	case etherERSPAN3:
		return v.erspan3()
	}
	if !x.push(kind, id) {
		return Unparsed
	}
	return v.etherType(typ)
}

func (v *Viewer) erspan(numbered bool) What {
	x := &v.p
	if !numbered {
		if !x.push(kindERSPAN1, 0) {
			return Unparsed
		}
		return v.ethernet(true)
	}
	b := x.need(x.off, 8)
	if b == nil || b[0]>>4 != 1 || !x.push(kindERSPAN, uint32(be16(b[2:])&0x3ff)) {
		return Unparsed
	}
	x.off += 8
	return v.ethernet(true)
}

func (v *Viewer) erspan3() What {
	x := &v.p
	b := x.need(x.off, 12)
	if b == nil || b[0]>>4 != 2 || b[10]>>2&31 == 2 || !x.push(kindERSPAN, uint32(be16(b[2:])&0x3ff)) {
		return Unparsed
	}
	x.off += 12 + int(b[11]&1)*8
	return v.ethernet(true)
}

func (v *Viewer) vxlan() What {
	x := &v.p
	b := x.need(x.off, 8)
	if b == nil {
		return Unparsed
	}
	plain := b[0] == 8 && b[1] == 0 && b[2] == 0 && b[3] == 0
	policy := b[0] == 0x88 && b[1]&^0x48 == 0
	if !plain && !policy || b[7] != 0 || !x.push(kindVXLAN, be32(b[4:])>>8) {
		return Unparsed
	}
	x.off += 8
	return v.ethernet(true)
}

func (v *Viewer) geneve() What {
	x := &v.p
	b := x.need(x.off, 8)
	if b == nil || b[0]>>6 != 0 || b[1]&0xbf != 0 || b[7] != 0 || !x.push(kindGENEVE, be32(b[4:])>>8) {
		return Unparsed
	}
	x.off += 8 + int(b[0]&0x3f)*4
	return v.etherType(be16(b[2:]))
}

func (v *Viewer) gtp() What {
	x := &v.p
	b := x.need(x.off, 8)
	if b == nil || b[0]&0xf8 != 0x30 || b[1] != 0xff {
		return Unparsed
	}
	flags, size := b[0], int(be16(b[2:]))
	if 8+size > x.end-x.off || !x.push(kindGTP, be32(b[4:])) {
		return Unparsed
	}
	x.off += 8
	x.end = x.off + size
	if flags&7 != 0 {
		if b = x.need(x.off, 4); b == nil {
			return Unparsed
		}
		next := b[3]
		x.off += 4
		for steps := maxGTP; flags&4 != 0 && next != 0; steps-- {
			if b = x.need(x.off, 1); b == nil || b[0] == 0 || steps == 0 {
				return Unparsed
			}
			x.off += int(b[0]) * 4
			if b = x.need(x.off-1, 1); b == nil {
				return Unparsed
			}
			next = b[0]
		}
	}
	return v.ip()
}
