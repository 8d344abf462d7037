from tests.desk import office
from hotline.tips import *
DRUGS = "Boca de fumo na rua das Acácias em Niterói, RJ, toda noite"
def test_smoke(office, public_line):
    r = public_line.pipeline.receive(Contact(channel=Channel.WEB, text=DRUGS))
    p = office("paulo")
    tip = p.next()
    assert tip
    open("/tmp/tip.html","w").write(p.html)
    resp = p.post(f"/tips/{tip}/ask", prepared="where", text="")
    print(resp.request.path, resp.status)
    f = public_line.pipeline.follow_up(r.code); print(f)
    p.get(f"/tips/{tip}")
    import re
    leads = re.findall(r'name="lead" value="([^"]+)"', p.html)
    print(leads)
    resp = p.post(f"/tips/{tip}/forward", lead=leads, reason="credible")
    print(resp.request.full_path, resp.status)
    print(public_line.pipeline.follow_up(r.code))
    for n in ("olga","sofia","samuel"):
        h = office(n); print(n, h.client.get("/", follow_redirects=True).request.path)
    h = office("samuel")
    open("/tmp/inbox.html","w").write(h.html)
