package dram

// Timing holds the parameters of a standard in clocks. The comments give the
// key in the file and the value where the file has none.
type Timing struct {
	CL       Clock // cl: read command to data
	CWL      Clock // cwl: write command to data
	Burst    Clock // bl: a burst on the data bus
	BurstL   Clock // bl_l: a burst inside one bank group (BL/n_max); default bl
	RCD      Clock // rcd: activate to read
	RCDWrite Clock // rcd_wr: activate to write; default rcd
	RP       Clock // rp: precharge to activate
	RPAll    Clock // rp_ab: precharge of all banks to activate; default rp
	RAS      Clock // ras: activate to precharge
	RC       Clock // rc: activate to activate, same bank; default ras + rp

	CCDS      Clock // ccd_s: read to read, another bank group
	CCDL      Clock // ccd_l: the same bank group; default ccd_s
	CCDSWrite Clock // ccd_s_wr: write to write, another bank group; default ccd_s
	CCDLWrite Clock // ccd_l_wr: the same bank group; default ccd_l
	RRDS      Clock // rrd_s: activate to activate, another bank group
	RRDL      Clock // rrd_l: the same bank group; default rrd_s
	FAW       Clock // faw: any four activates of a rank to the fifth

	WR   Clock // wr: end of write data to precharge
	WTRS Clock // wtr_s: end of write data to read, another bank group
	WTRL Clock // wtr_l: the same bank group; default wtr_s
	RTP  Clock // rtp: read to precharge
	RTW  Clock // rtw: read to write; default cl + bl + 2 - cwl
	RTRS Clock // rtrs: gap on the data bus between two ranks
	PPD  Clock // ppd: precharge to precharge; default 0, no rule

	RFC    Clock // rfc: refresh of all banks
	REFI   Clock // refi: average interval of all-bank refreshes of a rank
	RFCPB  Clock // rfc_pb: refresh of one bank; 0 where there is none
	REFIPB Clock // refi_pb: average interval of per-bank refreshes
	PBRPBR Clock // pbr_pbr: per-bank refresh to the next of the rank; default rfc_pb
	PBRACT Clock // pbr_act: per-bank refresh to activate of another bank; default rrd_s
}

// timingKeys gives every parameter its key. Rules refer to them in capitals.
var timingKeys = []struct {
	key      string
	required bool
	field    func(*Timing) *Clock
	absent   func(*Timing) Clock // the default, computed in order of the table
}{
	{key: "cl", required: true, field: func(t *Timing) *Clock { return &t.CL }},
	{key: "cwl", required: true, field: func(t *Timing) *Clock { return &t.CWL }},
	{key: "bl", required: true, field: func(t *Timing) *Clock { return &t.Burst }},
	{key: "bl_l", field: func(t *Timing) *Clock { return &t.BurstL }, absent: func(t *Timing) Clock { return t.Burst }},
	{key: "rcd", required: true, field: func(t *Timing) *Clock { return &t.RCD }},
	{key: "rcd_wr", field: func(t *Timing) *Clock { return &t.RCDWrite }, absent: func(t *Timing) Clock { return t.RCD }},
	{key: "rp", required: true, field: func(t *Timing) *Clock { return &t.RP }},
	{key: "rp_ab", field: func(t *Timing) *Clock { return &t.RPAll }, absent: func(t *Timing) Clock { return t.RP }},
	{key: "ras", required: true, field: func(t *Timing) *Clock { return &t.RAS }},
	{key: "rc", field: func(t *Timing) *Clock { return &t.RC }, absent: func(t *Timing) Clock { return t.RAS + t.RP }},
	{key: "ccd_s", required: true, field: func(t *Timing) *Clock { return &t.CCDS }},
	{key: "ccd_l", field: func(t *Timing) *Clock { return &t.CCDL }, absent: func(t *Timing) Clock { return t.CCDS }},
	{key: "ccd_s_wr", field: func(t *Timing) *Clock { return &t.CCDSWrite }, absent: func(t *Timing) Clock { return t.CCDS }},
	{key: "ccd_l_wr", field: func(t *Timing) *Clock { return &t.CCDLWrite }, absent: func(t *Timing) Clock { return t.CCDL }},
	{key: "rrd_s", required: true, field: func(t *Timing) *Clock { return &t.RRDS }},
	{key: "rrd_l", field: func(t *Timing) *Clock { return &t.RRDL }, absent: func(t *Timing) Clock { return t.RRDS }},
	{key: "faw", required: true, field: func(t *Timing) *Clock { return &t.FAW }},
	{key: "wr", required: true, field: func(t *Timing) *Clock { return &t.WR }},
	{key: "wtr_s", required: true, field: func(t *Timing) *Clock { return &t.WTRS }},
	{key: "wtr_l", field: func(t *Timing) *Clock { return &t.WTRL }, absent: func(t *Timing) Clock { return t.WTRS }},
	{key: "rtp", required: true, field: func(t *Timing) *Clock { return &t.RTP }},
	{key: "rtw", field: func(t *Timing) *Clock { return &t.RTW }, absent: func(t *Timing) Clock { return max(t.CL+t.Burst+2-t.CWL, 0) }},
	{key: "rtrs", field: func(t *Timing) *Clock { return &t.RTRS }},
	{key: "ppd", field: func(t *Timing) *Clock { return &t.PPD }},
	{key: "rfc", required: true, field: func(t *Timing) *Clock { return &t.RFC }},
	{key: "refi", required: true, field: func(t *Timing) *Clock { return &t.REFI }},
	{key: "rfc_pb", field: func(t *Timing) *Clock { return &t.RFCPB }},
	{key: "refi_pb", field: func(t *Timing) *Clock { return &t.REFIPB }},
	{key: "pbr_pbr", field: func(t *Timing) *Clock { return &t.PBRPBR }, absent: func(t *Timing) Clock { return t.RFCPB }},
	{key: "pbr_act", field: func(t *Timing) *Clock { return &t.PBRACT }, absent: func(t *Timing) Clock { return t.RRDS }},
}
