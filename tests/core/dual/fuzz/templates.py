"""Statements of random programs: `{a}` and `{b}` stand for variables, `{s}` for a variable that is a scalar."""

VIEWS = """
{a}[...]; {a}[()]; {a}[1:]; {a}[:-1]; {a}[::-1]; {a}[::2]; {a}[:, 1]; {a}[..., 0]; {a}[..., ::-1]; {a}[None]
{a}[:, None]; {a}[..., None]; {a}[0]; {a}[-1]; {a}[1, 1]; {a}[1:, 1:]; {a}[0, ...]; {a}.T; {a}.mT; {a}.real
{a}.imag; np.real({a}); np.imag({a}); {a}.reshape(-1); {a}.reshape(3, -1); {a}.reshape(-1, order="F")
{a}.reshape((1, -1), order="A"); {a}.reshape((-1, 3), order="F"); np.reshape({a}, {a}.shape)
np.reshape({a}, (-1, 1), order="A"); {a}.ravel(); np.ravel({a}); np.ravel({a}, order="F"); {a}.ravel(order="K")
{a}.ravel(order="A"); np.squeeze({a}); {a}.squeeze(); np.expand_dims({a}, 0); np.expand_dims({a}, -1)
np.atleast_1d({a}); np.atleast_2d({a}); np.atleast_3d({a}); np.transpose({a}); {a}.transpose()
np.swapaxes({a}, 0, -1); {a}.swapaxes(0, 1); np.moveaxis({a}, 0, -1); np.rollaxis({a}, -1); np.rot90({a})
np.rot90({a}, 2); np.rot90({a}, 0); np.flip({a}); np.flip({a}, 0); np.flipud({a}); np.fliplr({a})
np.broadcast_to({a}, (2,) + {a}.shape); np.broadcast_to({a}, (3, 3)); np.broadcast_arrays({a}, {b})[0]
np.broadcast_arrays({a}, {b})[1]; np.diagonal({a}); {a}.diagonal(1); np.diag({a}); np.diag({a}, 1)
np.linalg.diagonal({a}); np.array_split({a}, 2)[0]; np.split({a}, 3)[1]; np.hsplit({a}, 3)[-1]
np.vsplit({a}, [1])[1]; np.lib.stride_tricks.sliding_window_view({a}, 2, axis=-1)
np.lib.stride_tricks.sliding_window_view({a}, 2, axis=0, writeable=True)
np.lib.stride_tricks.sliding_window_view({a}, {a}.shape)
np.einsum("ii->i", {a} if len({a}) == len({a}.T) else 1 / 0); np.einsum("ij->ji", {a}); np.einsum("...->...", {a})
np.trim_zeros({a}); np.unstack({a})[0]; np.unstack({a}, axis=-1)[1]; np.matrix_transpose({a}); np.permute_dims({a})
np.linalg.matrix_transpose({a}); np.meshgrid({a}, {b}, copy=False)[0]
np.meshgrid({a}, {b}, sparse=True, copy=False)[1]; np.real_if_close({a}); np.nan_to_num({a}, copy=False)
np.linalg.matrix_power({a}, 1); next(iter({a})); np.astype({a}, float, copy=False)
{a}.astype({a}.dtype, copy=False); {a}[:, [1]].T; {a}[0:0]
""".replace("\n", ";")

COPIES = """
{a}.copy(); np.copy({a}); {a}.copy(order="F"); np.copy({a}, order="C"); {a}.copy(order="K"); np.copy({a}, "A")
{a}.flatten(); {a}.flatten(order="F"); {a}.flatten("K"); +{a}; -{a}; {a} * 1.5; {a} + {b}; {a} - {b}; {a} * {b}
{a} @ {b}; {a} / (2 + {b} * {b}); {a} * {s}; {a} + 1j * {b}; 1j * {s} + np.zeros(1); {s} * (2 + 1j)
np.outer({a}, {b}); np.stack([{a}, {b}]); np.stack([{a}, {b}], axis=-1); np.concatenate([{a}, {b}])
np.concatenate([{a}, {b}], axis=None); np.vstack([{a}, {b}]); np.hstack([{a}, {b}]); np.column_stack([{a}, {b}])
np.block([{a}, {b}]); np.append({a}, {b}); np.where({a} > 0, {a}, {b}); np.where({a} > 0, {a}, 0.5)
np.sort({a}, axis=0); np.sort({a}); np.cumsum({a}); np.cumsum({a}, axis=0); np.cumprod({a}, axis=-1); np.sum({a})
{a}.sum(axis=0); np.sum({a}, axis=-1, keepdims=True); np.mean({a}); np.mean({a}, 0); np.mean({a}, keepdims=True)
np.max({a}); np.max({a}, axis=-1); np.max({a}, keepdims=True); np.min({a}, axis=0); np.prod({a}, axis=0)
np.prod({a}, keepdims=True); np.var({a}); np.var({a}, axis=0); np.quantile({a}, [0.2, 0.6], axis=0)
np.quantile({a}, 0.3); np.quantile({a}, [0.2, 0.6], axis=-1); np.percentile({a}, 40, axis=0); np.median({a}, axis=0)
np.median({a}); np.median({a}, keepdims=True); np.pad({a}, 1); np.pad({a}, 1, mode="edge")
np.pad({a}, 1, mode="mean"); np.pad({a}, (0, 2), mode="linear_ramp")
np.select([{a} > 0.5, {a} > 0], [{a}, {b}], 0.25); np.select([{a} > 0], [{a}], {b})
np.choose([0, 1, 0], [{a}, {b}]); np.linalg.inv({a} + 3 * np.eye(3)); np.linalg.solve({a} + 3 * np.eye(3), {b})
np.linalg.svdvals({a} + np.diag([1.0, 2, 4])); np.linalg.svd({a} * 0.1 + np.diag([1.0, 2, 4]))[1]
np.linalg.svd({a} * 0.1 + np.diag([1.0, 2, 4]))[0]; np.linalg.svd({a} * 0.1 + np.diag([1.0, 2, 4]))[2]
np.linalg.eigh(np.real({a}) * 0.1 + np.diag([1.0, 2, 4]))[1]
np.linalg.eigh(np.real({a}) * 0.1 + np.diag([1.0, 2, 4]), "U")[1]
np.linalg.eigvalsh({a} * 0.1 + np.diag([1.0, 2, 4])); np.linalg.eigvals({a} * 0.1 + np.diag([1.0, 2, 4]))
np.linalg.qr({a} * 0.1 + np.diag([1.0, 2, 4]))[0]; np.linalg.qr({a} * 0.1 + np.diag([1.0, 2, 4]))[1]
np.linalg.det({a}); np.linalg.norm({a} + 0.1); np.linalg.norm({a}, axis=0)
np.linalg.cholesky({a} @ {a}.T + np.eye(3)); np.linalg.pinv({a} + np.diag([1.0, 2, 4]), 1e-9)
np.linalg.matrix_power({a}, 2); np.linalg.matrix_power({a}, 3); np.tile({a}, 2); np.tile({a}, (2, 1))
np.repeat({a}, 2); np.repeat({a}, 2, axis=-1); np.roll({a}, 1); np.roll({a}, 1, axis=0); np.kron({a}, {b})
np.tril({a}); np.triu({a}); np.clip({a}, -0.5, 0.5); np.clip({a}, None, {s}); {a}.clip(0, 1, None); np.dot({a}, {b})
np.tensordot({a}, {b}, 1); np.tensordot({a}, {b}, 0); np.inner({a}, {b}); np.vdot({a}, {b})
np.einsum("ij,jk->ik", {a}, {b}); np.einsum("ij,ij->j", {a}, {b}); np.einsum("ij->j", {a}); np.einsum("ii", {a})
np.einsum("ij,j", {a}, {b}); np.take({a}, [0, 2], axis=0); np.take({a}, 1, axis=-1); np.take({a}, [[0, 1], [2, 0]])
np.insert({a}, 1, {s}); np.insert({a}, 1, 0.5, axis=0); np.delete({a}, 1, axis=0); np.delete({a}, 0); np.diff({a})
np.diff({a}, axis=0); np.diff({a}, prepend={s}); np.ediff1d({a}); np.gradient({a}, axis=0); np.trapezoid({a})
np.interp({a}, [-1.0, 0, 1], [0.0, 1, 3]); np.fft.fft({a}); np.fft.fft({a}).real
np.fft.ifft(np.fft.fft({a}) * 2).real; np.fft.rfft({a}, axis=0); np.fft.fftshift({a}); np.convolve({a}, {b})
np.cross({a}, {b}); np.trace({a}); np.compress([True, False, True], {a}, axis=0); np.extract({a} > 0, {a})
{a}[{a} > 0]; {a}[[0, 2]]; {a}[:, [0, 2]]; {a}[[0, 1], [1, 2]]; {a}[np.array([True, False, True])]
{a}[..., [0, 0, 1]]; {a}.T[[0, 2]]; {a}[:, [0, 2]].T; {a}[np.ix_([0, 1], [1, 2])]
np.take_along_axis({a}, np.argsort({a}, 0), 0); np.partition({a}, 1); np.unique({a}); np.resize({a}, (2, 4))
np.ptp({a}, axis=0); np.average({a}, axis=0); np.average({a}, weights=[1.0, 2, 3], axis=0); np.cov({a})
np.corrcoef({a}); np.apply_along_axis(np.cumsum, 0, {a}); np.piecewise({a}, [{a} > 0], [lambda q: q * q, 0.5])
np.maximum({a}, {b}); np.minimum({a}, {s}); np.abs({a}); np.sin({a}); np.exp(-({a} * {a})); np.tanh({a})
np.hypot({a}, 1.5); np.arctan2({a}, 2.0); np.logaddexp({a}, {b}); np.square({a}); np.add.outer({a}, {b})
np.multiply.outer({a}, {b}); np.add.reduce({a}); np.multiply.accumulate({a}); np.add.reduceat({a}, [0, 2])
np.zeros_like({a}); np.ones_like({a}); np.zeros_like({a}, shape=(3, 3)); np.zeros_like({a}, shape=(6,))
np.full_like({a}, {s}); np.zeros_like({a}, order="F"); np.ones_like({a}, shape=(3,)); np.linspace({s}, {a}, 3)
np.nansum({a}, axis=0); np.nanmean({a}); np.conj({a}); np.conjugate({a}) * {a}; np.angle({a} + 2); np.unwrap({a})
np.sinc({a}); np.polyval({a}, {b}); np.vander({a}); np.polymul({a}, {b}); np.polyadd({a}.ravel(), {b}.ravel())
np.diagflat({a}); np.triu({a}, 1); np.divmod({a}, 0.75)[1]; np.modf({a} + 3.1)[0]; np.array_split({a}, 2)[1] * 2
np.linalg.multi_dot([{a}, {b}, {a}]); np.linalg.outer({a}, {b}); np.vecdot({a}, {b}); np.matvec({a}, {b})
np.linalg.slogdet({a} + 3 * np.eye(3))[1]; np.linalg.lstsq({a} + 2 * np.eye(3), {b})[0]; {a} ** 2; 2.0 ** {a}
np.sum({a}, 0, None, None, True); {a}.mean(0, None, None); np.sum({a}, initial=0.5, where={a} > 0); {a}.max(axis=0)
({a}.std(axis=0) ** 2 + 1) ** 0.5; {a}.cumsum(0); {a}.take([1]); {a}.repeat(2, 0); {a}.dot({b}); {a}.trace()
{a}.prod(); {a} * 1; {a}.item(0) * np.ones(1); {a}.compress([True, False], axis=0); np.astype({a}, np.float64)
{a}.astype(complex); abs({a}); divmod({a}, 0.7)[1]; {a}[:2] @ {b}[:2]; sum({a}); {a}.flatten()[::-1]
""".replace("\n", ";")

WRITES = """
{a}[...] = {b}; {a} += {b}; {a} *= 2; {a} -= {b}; {a} /= 3; {a} **= 2; {a} *= {s}; {a}[0] = {b}; {a}[0] = 0.5
{a}[0, 0] = {s}; {a}[:, 1] *= 2; {a}[:, 0] = {b}; {a}[{a} < 0] = 0.0; {a}[{a} > 0] *= 2; {a}[[0, 1]] = {b}
{a}[..., 0] = {s}; {a}[1:] += {s}; {a}[::-1][0] = {b}; np.multiply({a}, {b}, out={a}); np.add({b}, {b}, out={a})
np.copyto({a}, {b}); np.put({a}, [0], {s}); np.putmask({a}, {a} > 0, {s}); np.fill_diagonal({a}, {s})
np.add.at({a}, 0, {s}); {a}.fill({s}); {a}.fill(0.25); {a}.sort(); {a}.real *= 2; {a}.real = {b}; {a}.imag = {s}
{a}.real[{a}.real < 0] = 0; np.sum({b}, axis=0, out={a}); np.sin({b}, out={a}); {a}[...] += {a}.T; {a}.T[...] = {b}
{a}.T[0] += {b}; {a}[1:] = {a}[:-1].copy(); np.place({a}, {a} > 0, [0.5]); np.matmul({b}, {b}, out={a})
{a}.reshape(-1)[0] = {s}; {a}.reshape(-1)[::2] *= 2; {a}.ravel()[0] = {s}; {a}.ravel(order="F")[1] = 0.75
np.diagonal({a}).copy()[...] = 1; np.subtract({a}, 1.0, out={a}); np.clip({b}, -0.3, 0.3, out={a})
np.cumsum({b}, axis=0, out={a} if {a}.shape == {b}.shape != () else 1 / 0)
{a}[0], {a}[1] = {a}[1].copy(), {a}[0].copy(); {a}[None][0] *= 2; {a}[:, None][0] = {s}; np.transpose({a})[0] = 0.25
np.atleast_2d({a})[0] *= 3; np.einsum("ii->i", {a} if len({a}) == len({a}.T) else 1 / 0)[...] = {s}
{a}.partition(1); np.put_along_axis({a}, np.array([[0, 0, 0]]), {s}, 0); np.square({a}, where={a} > 0, out={a})
np.swapaxes({a}, 0, -1)[0] += 1
""".replace("\n", ";")


def split(text: str) -> list[str]:
    """Return the templates of a text, which are separated by semicolons."""
    return [part.strip() for part in text.split(";") if part.strip()]


EXPRESSIONS = [split(VIEWS), split(COPIES)]
STATEMENTS = split(WRITES)
