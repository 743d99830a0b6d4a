//! Strongly connected parts of a graph: the nodes from each of which every other one is reached.

/// For each node the number of its part. Tarjan's algorithm with a stack of its own, since chains may be long.
pub(crate) fn components(targets: &[Vec<usize>]) -> Vec<usize> {
    const NEW: usize = usize::MAX;
    let mut walk = Walk {
        order: vec![NEW; targets.len()],
        low: vec![0; targets.len()],
        part: vec![NEW; targets.len()],
        open: Vec::new(),
        visited: 0,
        parts: 0,
    };
    for root in 0..targets.len() {
        if walk.order[root] != NEW {
            continue;
        }
        let mut stack = vec![(root, 0)];
        walk.enter(root);
        while let Some((at, next)) = stack.last_mut() {
            let at = *at;
            if let Some(&target) = targets[at].get(*next) {
                *next += 1;
                if walk.order[target] == NEW {
                    walk.enter(target);
                    stack.push((target, 0));
                } else if walk.part[target] == NEW {
                    walk.low[at] = walk.low[at].min(walk.order[target]);
                }
                continue;
            }
            stack.pop();
            walk.leave(at);
            if let Some((above, _)) = stack.last() {
                walk.low[*above] = walk.low[*above].min(walk.low[at]);
            }
        }
    }
    walk.part
}

struct Walk {
    order: Vec<usize>,
    low: Vec<usize>,
    part: Vec<usize>,
    open: Vec<usize>,
    visited: usize,
    parts: usize,
}

impl Walk {
    fn enter(&mut self, node: usize) {
        self.order[node] = self.visited;
        self.low[node] = self.visited;
        self.visited += 1;
        self.open.push(node);
    }

    /// Closes the part whose first node this is, if it is one.
    fn leave(&mut self, node: usize) {
        if self.low[node] != self.order[node] {
            return;
        }
        while let Some(member) = self.open.pop() {
            self.part[member] = self.parts;
            if member == node {
                break;
            }
        }
        self.parts += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::components;

    #[test]
    fn circles_are_parts() {
        // 0 -> 1 -> 2 -> 0, 2 -> 3, 4 -> 4
        let parts = components(&[vec![1], vec![2], vec![0, 3], vec![], vec![4]]);
        assert!(parts[0] == parts[1] && parts[1] == parts[2]);
        assert!(parts[3] != parts[0] && parts[4] != parts[3] && parts[4] != parts[0]);
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let mut targets: Vec<Vec<usize>> = (1..100_000).map(|next| vec![next]).collect();
        targets.push(vec![0]);
        assert!(components(&targets).iter().all(|part| *part == 0));
    }
}
