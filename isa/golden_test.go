package isa

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// instructionGoldens pins the encoding: statement, unit, bytes.
var instructionGoldens = []struct {
	unit Unit
	text string
	want string // hexadecimal: header, then 16 bytes for each operand
}{
	{LoadDMA, "wait s3", "0100000003000000"},
	{StoreDMA, "signal s63", "020000003f000000"},
	{MACArray, "loop 16", "0300000010000000"},
	{VectorUnit, "end_loop", "0400000000000000"},
	{LookupGEMM, "halt", "0500000000000000"},
	{LoadDMA, "load d258 from=weights[0x123456789a, +16, -1] to=weight_buffer[0x40]",
		"06030000 02010000 9a78563412000001 10000000 ffffffff 4000000000000007 00000000 00000000"},
	{StoreDMA, "store d1 from=activation_buffer[0x0] to=output[0x8]",
		"07030000 01000000 0000000000000006 00000000 00000000 0800000000000003 00000000 00000000"},
	{MACArray, "convolution d2 input=activation_buffer[0x1] weights=weight_buffer[0x2] accumulators=accumulator_buffer[0x4]",
		"080b0000 02000000 0100000000000006 00000000 00000000 0200000000000007 00000000 00000000 0400000000000008 00000000 00000000"},
	{MACArray, "depthwise d3 input=activation_buffer[0x1] weights=weight_buffer[0x2] parameters=weight_buffer[0x3] output=activation_buffer[0x5]",
		"090f0000 03000000 0100000000000006 00000000 00000000 0200000000000007 00000000 00000000 0300000000000007 00000000 00000000 0500000000000006 00000000 00000000"},
	{VectorUnit, "pool d4 input=activation_buffer[0x1] output=activation_buffer[0x3]",
		"0a050000 04000000 0100000000000006 00000000 00000000 0300000000000006 00000000 00000000"},
	{VectorUnit, "binary d5 a=activation_buffer[0x1] b=activation_buffer[0x2] output=activation_buffer[0x3]",
		"0b070000 05000000 0100000000000006 00000000 00000000 0200000000000006 00000000 00000000 0300000000000006 00000000 00000000"},
	{VectorUnit, "table d6 input=activation_buffer[0x1] table=weight_buffer[0x2] output=activation_buffer[0x3]",
		"0c070000 06000000 0100000000000006 00000000 00000000 0200000000000007 00000000 00000000 0300000000000006 00000000 00000000"},
	{VectorUnit, "softmax d7 input=activation_buffer[0x1] table=weight_buffer[0x2] output=activation_buffer[0x3]",
		"0d070000 07000000 0100000000000006 00000000 00000000 0200000000000007 00000000 00000000 0300000000000006 00000000 00000000"},
	{VectorUnit, "copy d8 input=activation_buffer[0x1] output=activation_buffer[0x3]",
		"0e050000 08000000 0100000000000006 00000000 00000000 0300000000000006 00000000 00000000"},
	{VectorUnit, "rearrange d9 input=activation_buffer[0x1] output=activation_buffer[0x3]",
		"0f030000 09000000 0100000000000006 00000000 00000000 0300000000000006 00000000 00000000"},
	{LoadDMA, "load_encoded d10 from=weights[0x40] to=weight_buffer[0x80]",
		"10030000 0a000000 4000000000000001 00000000 00000000 8000000000000007 00000000 00000000"},
	{LookupGEMM, "lookup d11 input=activation_buffer[0x10] weights=weight_buffer[0x20] parameters=weight_buffer[0x30] output=activation_buffer[0x40] scales=weight_buffer[0x50]",
		"11370000 0b000000 1000000000000006 00000000 00000000 2000000000000007 00000000 00000000 3000000000000007 00000000 00000000 4000000000000006 00000000 00000000 5000000000000007 00000000 00000000"},
	{TableBuilder, "build_tables d12 input=activation_buffer[0x10] tables=table_buffer[0x20]",
		"12030000 0c000000 1000000000000006 00000000 00000000 2000000000000009 00000000 00000000"},
	{LookupGEMM, "query_tables d13 tables=table_buffer[0x10] weights=weight_buffer[0x20] accumulators=accumulator_buffer[0x40] scales=weight_buffer[0x50]",
		"132b0000 0d000000 1000000000000009 00000000 00000000 2000000000000007 00000000 00000000 4000000000000008 00000000 00000000 5000000000000007 00000000 00000000"},
	{LoadDMA, "load_sealed d14 from=weights[0x40] to=weight_buffer[0x80]",
		"14030000 0e000000 4000000000000001 00000000 00000000 8000000000000007 00000000 00000000"},
}

const textStart = "npusim-program 1.0\nrounding half-up-shift\n"

func TestInstructionGoldens(t *testing.T) {
	var covered [NumOpcodes]bool
	for _, g := range instructionGoldens {
		p, err := Assemble(textStart+"code "+g.unit.String()+"\n"+g.text, "golden")
		if err != nil {
			t.Errorf("%s: %v", g.text, err)
			continue
		}
		in := p.Code[g.unit][0]
		covered[in.Op] = true
		got, err := appendInstruction(nil, g.unit, &in)
		if err != nil {
			t.Errorf("%s: %v", g.text, err)
		}
		if want := strings.ReplaceAll(g.want, " ", ""); hex.EncodeToString(got) != want {
			t.Errorf("%s\n got %x\nwant %s", g.text, got, want)
		}
		if len(got) != InstructionBytes(&in) {
			t.Errorf("%s: InstructionBytes says %d, encoding has %d", g.text, InstructionBytes(&in), len(got))
		}
		back, n, err := readInstruction(got, g.unit)
		if err != nil || n != len(got) || back != in {
			t.Errorf("%s: decoded as %+v, %d bytes, %v", g.text, back, n, err)
		}
		if text := instructionText(&back); text != g.text {
			t.Errorf("%s: printed as %s", g.text, text)
		}
	}
	for op := InvalidOpcode + 1; op < opcodeEnd; op++ {
		if !covered[op] {
			t.Errorf("%s has no golden encoding", op)
		}
	}
}

// descriptorGoldens pins one record of each kind.
var descriptorGoldens = []struct {
	text string
	want string // header, then the fields in the order of REFERENCE.md
}{
	{"transfer layer=1 class=metadata bits=4 group=2 run=6 rows=3 blocks=4 dram_row_stride=5 dram_block_stride=6 buffer_row_stride=7 buffer_block_stride=8",
		"01002400 0100 03 04 02000000 06000000 03000000 04000000 05000000 06000000 07000000 08000000"},
	{"convolution_tile layer=2 input_channels=3 output_channels=4 output_rows=5 output_columns=6 input_rows=7 input_columns=8 origin_row=-1 origin_column=-2 " +
		"kernel_rows=3 kernel_columns=2 stride_rows=2 stride_columns=1 dilate_rows=1 dilate_columns=2 input={block=16 channel_offset=1 pixel_stride=16 row_stride=128} " +
		"output={block=4 pixel_stride=4 row_stride=24 block_stride=9} first=true last=true pad_value=-5 mode=channel_shift multiplier=1073741824 shift=38 zero=-3 low=-128 high=127",
		"02004e00 0200 03000000 04000000 0500 0600 0700 0800 ffff feff 0300 0200 0200 0100 0100 0200 " +
			"1000 0100 10000000 80000000 00000000 0400 0000 04000000 18000000 09000000 01 01 fb 02 00000040 26 fd 80 7f"},
	{"pool_tile layer=2 mode=average_counted channels=4 output_rows=5 output_columns=6 input_rows=7 input_columns=8 origin_row=-1 " +
		"kernel_rows=3 kernel_columns=2 stride_rows=2 stride_columns=1 dilate_rows=1 dilate_columns=2 input={block=16 pixel_stride=16 row_stride=128} " +
		"output={block=4 pixel_stride=4 row_stride=24} input_zero=-7 multiplier=5 shift=6 zero=7 low=-8 high=9",
		"03004800 0200 03 04000000 0500 0600 0700 0800 ffff 0000 0300 0200 0200 0100 0100 0200 " +
			"1000 0000 10000000 80000000 00000000 0400 0000 04000000 18000000 00000000 f9 05000000 06 07 f8 09"},
	{"binary_tile layer=3 mode=add channels=16 rows=2 columns=3 a={block=16 pixel_stride=16 row_stride=48} b={block=16} " +
		"output={block=16 pixel_stride=16 row_stride=48} repeat_b_channels=true zero_a=1 zero_b=-1 multiplier_a=100 multiplier_b=-100 shift=7 low=-128 high=127",
		"04004b00 0300 01 10000000 0200 0300 1000 0000 10000000 30000000 00000000 1000 0000 00000000 00000000 00000000 " +
			"1000 0000 10000000 30000000 00000000 00 01 01 ff 64000000 9cffffff 07 00 80 7f"},
	{"elementwise_tile layer=4 channels=10 rows=1 columns=1 input={block=10} output={block=10} shift=8 zero=-128 low=-128 high=127",
		"05002e00 0400 0a000000 0100 0100 0a00 0000 00000000 00000000 00000000 0a00 0000 00000000 00000000 00000000 08 80 80 7f"},
	{"copy_tile layer=5 channels=1 rows=1 columns=2 input_channels=1 input_rows=1 input_columns=4 start_column=-1 step_channel=1 step_row=1 step_column=2 " +
		"input={block=1 pixel_stride=1} output={block=1 pixel_stride=1} fill=-9 use_table=true",
		"06004c00 0500 01000000 0100 0200 01000000 0100 0400 00000000 00000000 ffffffff 01000000 01000000 02000000 " +
			"0100 0000 01000000 00000000 00000000 0100 0000 01000000 00000000 00000000 f7 01"},
	{"rearrange_tile layer=6 input_channels=2 input_rows=1 input_columns=3 origin_channel=4 origin_row=1 origin_column=2 " +
		"tensor_rows=3 tensor_columns=5 output_channels=3 output_rows=1 output_columns=2 " +
		"dims=[1 1 1 1 3 2] input_strides=[0 0 0 0 1 15] start=67 input={block=2 pixel_stride=2} output={block=3 pixel_stride=3}",
		"07007200 0600 02000000 0100 0300 04000000 0100 0200 0300 0500 03000000 0100 0200 01000000 01000000 01000000 01000000 03000000 02000000 " +
			"00000000 00000000 00000000 00000000 01000000 0f000000 43000000 0200 0000 02000000 00000000 00000000 0300 0000 03000000 00000000 00000000"},
	{"encoded_weights layer=7 codec=sequential representation=sign_magnitude bits=8 registers=2 inverted=129 mask=run_length order=streaming network=3 inputs=8 outputs=80 cells=1 elements=1024 kept=100 channels=16 " +
		"code_bytes=128 correction_bytes=5 mask_bytes=60 patches=4 stalls=1",
		"08003600 0700 02 02 08 02 81 03 01 0300 08 5000 0000 0100 00040000 64000000 10000000 80000000 05000000 3c000000 00000000 04000000 01000000"},
	{"sealed_keys layer=1 mu=8 planes=3 network=2 rows=16 keys=5 code_bytes=77",
		"0a001200 0100 08 03 0200 10000000 05000000 4d000000"},
	{"lookup_tile layer=2 input_channels=3 output_channels=4 mu=8 planes=3 group=16 group_offset=8 output_rows=5 output_columns=6 input_rows=7 input_columns=8 " +
		"origin_row=-1 origin_column=-2 kernel_rows=3 kernel_columns=2 stride_rows=2 stride_columns=1 dilate_rows=1 dilate_columns=2 " +
		"input={block=16 channel_offset=1 pixel_stride=16 row_stride=128} output={block=4 pixel_stride=4 row_stride=24 block_stride=9} " +
		"first=true last=true pad_value=-5 mode=channel_shift multiplier=1073741824 shift=38 zero=-3 low=-128 high=127",
		"09005800 0200 03000000 04000000 08 03 10000000 08000000 0500 0600 0700 0800 ffff feff 0300 0200 0200 0100 0100 0200 " +
			"1000 0100 10000000 80000000 00000000 0400 0000 04000000 18000000 09000000 01 01 fb 02 00000040 26 fd 80 7f"},
}

func TestDescriptorGoldens(t *testing.T) {
	var covered [NumDescriptorKinds]bool
	for _, g := range descriptorGoldens {
		p, err := Assemble(textStart+"d0 = "+g.text, "golden")
		if err != nil {
			t.Errorf("%s: %v", g.text, err)
			continue
		}
		covered[p.Descriptors[0].Kind()] = true
		got, err := appendDescriptor(nil, p.Descriptors[0])
		if err != nil {
			t.Errorf("%s: %v", g.text, err)
		}
		if want := strings.ReplaceAll(g.want, " ", ""); hex.EncodeToString(got) != want {
			t.Errorf("%s\n got %x\nwant %s", g.text, got, want)
		}
		if text := disassemble(t, p); !strings.Contains(text, "d0 = "+g.text+" ;") {
			t.Errorf("%s: printed as %s", g.text, text)
		}
	}
	for kind := NoDescriptor + 1; kind < descriptorKindEnd; kind++ {
		if !covered[kind] {
			t.Errorf("%s has no golden encoding", kind)
		}
	}
}

// TestContainerGolden pins the whole file of a minimal program.
func TestContainerGolden(t *testing.T) {
	p := &Program{Name: "ab", Rounding: HalfUpShift, Constants: []byte{1, 2, 3}}
	p.MachineHash[0], p.RegionBytes[Weights] = 0xaa, 3
	p.Code[LoadDMA] = []Instruction{{Op: Halt}}
	want := "4e505553494d0001 0100 0000 03000000 aa00000000000000000000000000000000000000000000000000000000000000" +
		"0100 0100 c04d09e4 7c00000000000000 0800000000000000" + // code of load
		"0300 0000 1ef230f1 8400000000000000 0300000000000000" + // constants
		"0900 0000 34fac4c2 8700000000000000 c000000000000000" + // metadata
		"8f716cfe" + // checksum of the header
		"0500000000000000 010203" +
		"02000000 6162" + strings.Repeat("00", 32) + "01" + strings.Repeat("00", 16) + "08" +
		"0300000000000000" + strings.Repeat("00", 8*15) + "00000000 00000000"
	got := hex.EncodeToString(encode(t, p))
	if want = strings.ReplaceAll(want, " ", ""); got != want {
		t.Errorf("container differs (-want +got):\n%s", cmp.Diff(want, got))
	}
}

func TestReferencePageIsCurrent(t *testing.T) {
	var page strings.Builder
	if err := WriteReference(&page); err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(committed), page.String()); d != "" {
		t.Errorf("REFERENCE.md is out of date, run go generate ./isa (-committed +current):\n%s", d)
	}
}

// TestPipelineText pins the text form for a reader's eye.
func TestPipelineText(t *testing.T) {
	text := disassemble(t, pipeline(4).p)
	for _, want := range []string{
		"s1 = semaphore mac -> load initial=2\n",
		"code load ; 10 instructions, 15 execute\n",
		"    loop 2\n        loop 2\n            wait s1 ; credit from mac\n",
		"            load d1 from=weights[0x0] to=weight_buffer[0x0, +320, +0] ; \"first\": 320 bytes of weights in DRAM\n",
		"trace mac -:0:0:0 -:0:0:0 -:0:0:0 -:0:0:0\n",
		"config \"clock_mhz = 500\\n\"\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %q in\n%s", want, text)
		}
	}
}
