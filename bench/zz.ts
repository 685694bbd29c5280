import { renderRowSecurity, rowSecurityBench } from "./row-security";
delete process.env.ALL_PROXY;
const t=Date.now();
rowSecurityBench().then((r) => { console.log(renderRowSecurity(r)); console.log((Date.now()-t)/1000);}, (e) => { console.error(e); process.exitCode = 1; });
