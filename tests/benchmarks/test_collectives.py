from benchmarks.collectives import collectives

PROGRAM = """
  %a = f32[8,16]{1,0} all-reduce(f32[8,16]{1,0} %x), replica_groups={}
  %b = (bf16[4]{0}, bf16[16]{0}) all-gather-start(bf16[4]{0} %y), dimensions={0}
  %c = bf16[16]{0} all-gather-done((bf16[4]{0}, bf16[16]{0}) %b)
  %d = f32[8,16]{1,0} all-reduce(f32[8,16]{1,0} %a), to_apply=%sum
  %e = (f32[2]{0}, pred[3]{0}) all-to-all(f32[2]{0} %z, pred[3]{0} %w)
  %f = f32[8,16]{1,0} add(f32[8,16]{1,0} %a, f32[8,16]{1,0} %d)
"""


def test_collectives_are_counted_by_kind_with_the_size_of_their_results():
    assert collectives(PROGRAM) == {
        "all-reduce": {"count": 2, "bytes": 2 * 8 * 16 * 4},
        "all-gather": {"count": 1, "bytes": 16 * 2},
        "all-to-all": {"count": 1, "bytes": 2 * 4 + 3},
    }
