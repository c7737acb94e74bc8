package quantize
import ("testing";"github.com/npusim/npusim/configs";"github.com/npusim/npusim/compiler/dataset";"github.com/npusim/npusim/compiler/transform";"path/filepath";"runtime")
func TestZZ(t *testing.T){
 for _,m := range realNetworks {
 f:=dataFolder(t)
 g:=importModel(t,filepath.Join(f,"models",m.model+".onnx"))
 set,_:=dataset.Open(filepath.Join(f,m.data))
 shape := g.Value(g.Inputs[0]).Shape
 cal := samples(t,set,shape,set.Calibration())
 in:=cal[:64]
 exact:=runFloat(t,g,in)
 n,_:=transform.Run(g)
 q:=settings(configs.PerLayerShift,configs.Percentile)
 c,_:=Calibrate(n,q,len(cal),runtime.GOMAXPROCS(0),func(i int)([][]float32,error){return cal[i],nil})
 for _,p:=range []float64{100,99.995,99.99,99.98,99.97,99.95,99.9} { q.Percentile=p; 
  ig,_,err:=Quantize(n,c,q); if err!=nil {t.Fatal(err)}
  out:=runInteger(t,ig,in); agree:=0
  for i:=range out { if argMax(out[i])==argMax(exact[i]) {agree++} }
  t.Logf("%s %g: %.2f dB agree %d/64",m.model,p,signalToNoise(exact,out),agree) }
 }
}
