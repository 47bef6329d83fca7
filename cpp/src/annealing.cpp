#include "microtwin/annealing.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>
#include <utility>

#include "prefetch.hpp"

namespace microtwin {
namespace {

constexpr std::size_t kDrafts = 8;  // proposals under way at a time; a power of two
constexpr std::size_t kPlaced = 4;  // of which so many know where they are
constexpr double kAny = std::numeric_limits<double>::infinity();

}  // namespace

Annealer::Annealer(const LabelView& start, std::vector<TargetCurve> targets,
                   const AnnealingOptions& options)
    : shape_(start.shape), periodic_(options.periodic), random_(options.seed),
      sites_(start, options.fixed, options.periodic) {
    for (const TargetCurve& target : targets) {
        if (sites_.voxels(target.phase) == 0)
            throw std::invalid_argument("a target's phase is not in the structure");
        check_target(target, shape_, periodic_);
    }
    add_terms(start, targets);
    sum_up();
}

Annealer::Annealer(LineCurves& lines, const LabelView& box, const Offset& corner,
                   const AnnealingOptions& options)
    : shape_(lines.structure()), periodic_(options.periodic), random_(options.seed),
      sites_(box, options.fixed, false), lines_(&lines), corner_(corner), term_floors_(1) {
    for (std::size_t i = 0; i < lines.count(); ++i) homes_.push_back({-1, i});
    sum_up();
}

// Every term has the curves of one statistic of one phase.
void Annealer::add_terms(const LabelView& start, std::vector<TargetCurve>& targets) {
    std::vector<TargetCurve> along_lines;
    std::map<std::pair<Statistic, std::uint8_t>, std::vector<TargetCurve>> others;
    std::map<std::pair<Statistic, std::uint8_t>, int> terms;
    for (TargetCurve& target : targets) {
        const auto key = std::pair{target.statistic, target.phase};
        const bool line = on_lines(target.statistic);
        auto& list = line ? along_lines : others[key];
        const int term =
            line ? -1 : terms.try_emplace(key, static_cast<int>(terms.size())).first->second;
        homes_.push_back({term, list.size()});
        list.push_back(std::move(target));
    }
    own_lines_ = std::make_unique<LineCurves>(start, std::move(along_lines), periodic_);
    lines_ = own_lines_.get();
    terms_.resize(terms.size());
    for (const auto& [key, term] : terms)
        terms_[static_cast<std::size_t>(term)] =
            make_term(start, std::move(others[key]), periodic_);
    term_floors_.resize(terms_.size() + 1);
}

const Curve& Annealer::curve(std::size_t index) const {
    const Home& home = homes_.at(index);
    return home.term < 0 ? lines_->curve(home.index)
                         : terms_[static_cast<std::size_t>(home.term)]->curves()[home.index];
}

// A place in the list of a label.
std::size_t Annealer::draw_site(Proposals kind, std::uint8_t label, std::uint32_t bits) const {
    const std::size_t interface =
        kind == Proposals::anywhere ? 0 : sites_.with_neighbours(label, 1);
    if (interface == 0) return below(bits, sites_.size(label));  // there may be none at all
    if (kind == Proposals::at_interfaces) return below(bits, interface);
    const std::uint64_t total = sites_.weight(label);
    // The most neighbours come first in the list, and each of them counts its weight in tickets.
    std::uint64_t ticket = bits * (total >> 32) + ((bits * (total & 0xFFFFFFFF)) >> 32);
    std::size_t begin = 0;
    for (std::size_t c = SiteLists::kClasses - 1; c >= 1; --c) {
        const std::size_t end = sites_.with_neighbours(label, c);
        const std::uint64_t tickets = SiteLists::kWeights[c] * (end - begin);
        if (ticket < tickets)
            return begin + static_cast<std::size_t>(ticket / SiteLists::kWeights[c]);
        ticket -= tickets;
        begin = end;
    }
    return interface - 1;
}

// Two voxels of all, until their labels differ.
void Annealer::draw_two_labels(std::uint64_t bits, Exchange& e) {
    const auto pick = [&](std::uint32_t random, std::uint8_t& label, std::size_t& index) {
        index = below(random, sites_.free());
        for (const std::uint8_t candidate : sites_.present()) {
            label = candidate;
            if (index < sites_.size(candidate)) return;
            index -= sites_.size(candidate);
        }
    };
    pick(static_cast<std::uint32_t>(bits), e.label_a, e.index_a);
    pick(static_cast<std::uint32_t>(bits >> 32), e.label_b, e.index_b);
    while (e.label_a == e.label_b)
        pick(static_cast<std::uint32_t>(random_.next()), e.label_b, e.index_b);
}

void Annealer::draw(Proposals kind, Exchange& e) {
    std::uint64_t bits = random_.next();
    if (sites_.present().size() > 2) {
        draw_two_labels(bits, e);
        if (kind == Proposals::anywhere) return;
        bits = random_.next();
    } else {
        e.label_a = sites_.present()[0];
        e.label_b = sites_.present()[1];
    }
    e.index_a = draw_site(kind, e.label_a, static_cast<std::uint32_t>(bits));
    e.index_b = draw_site(kind, e.label_b, static_cast<std::uint32_t>(bits >> 32));
}

void Annealer::locate(Exchange& e) const {
    const auto place = [&](std::uint8_t label, std::size_t index, LineCurves::Place& found) {
        Offset at = sites_.coordinates(sites_.site(label, index));
        for (std::size_t axis = 0; axis < 3; ++axis)
            at[axis] = wrapped(at[axis] + corner_[axis], shape_.sides[axis]);
        lines_->place(at, found);
    };
    place(e.label_a, e.index_a, e.a);
    place(e.label_b, e.index_b, e.b);
}

std::optional<double> Annealer::difference_below(const Exchange& e, double limit) {
    auto difference = lines_->difference_below(e, limit - term_floors_[0]);
    for (std::size_t i = 0; i < terms_.size() && difference; ++i) {
        if (*difference + term_floors_[i] > limit) return std::nullopt;
        *difference += terms_[i]->difference(flat(e.a.at), flat(e.b.at));
    }
    if (!difference || *difference > limit) return std::nullopt;
    return difference;
}

// Makes the exchange that difference_below has looked at last.
void Annealer::commit(const Exchange& e) {
    lines_->commit(e);
    for (const auto& term : terms_) term->commit();
    sites_.exchange(e.label_a, e.index_a, e.label_b, e.index_b);
    sum_up();
}

void Annealer::sum_up() {
    energy_ = lines_->energy();
    error_ = lines_->error();
    for (std::size_t i = terms_.size(); i-- > 0;) {
        double energy = 0.0;
        for (const Curve& curve : terms_[i]->curves()) {
            energy += curve.energy();
            error_ += curve.error();
        }
        energy_ += energy;
        term_floors_[i] = term_floors_[i + 1] - 1.0001 * energy;  // it cannot fall below zero
    }
}

void Annealer::draft(const Moves& moves, double level, Draft& draft) {
    draft.random = random_;
    draw(moves.kind, draft.exchange);
    draft.limit = 0.0;
    if (moves.rule == Rule::threshold) draft.limit = level;
    if (moves.rule == Rule::metropolis && level > 0.0)
        draft.limit = -level * std::log(random_.uniform());
    draft.placed = false;
    prefetch(&sites_.of(draft.exchange.label_a)[draft.exchange.index_a]);
    prefetch(&sites_.of(draft.exchange.label_b)[draft.exchange.index_b]);
}

// How likely the draw of an exchange is, up to a factor that no exchange changes.
double Annealer::proposal_weight(Proposals kind, const Exchange& e) const {
    const auto share = [&](std::uint8_t label, std::size_t index) {
        const std::size_t c = sites_.neighbours(label, index);
        const bool alike = kind == Proposals::at_interfaces;
        const std::uint64_t total = alike ? sites_.with_neighbours(label, 1) : sites_.weight(label);
        const std::uint64_t own = alike ? std::uint64_t{c > 0} : SiteLists::kWeights[c];
        return total == 0 ? 1.0 / static_cast<double>(sites_.size(label))
                          : static_cast<double>(own) / static_cast<double>(total);
    };
    return share(e.label_a, e.index_a) * share(e.label_b, e.index_b);
}

// Makes the exchange if it is accepted.
bool Annealer::make_if_accepted(const Draft& draft, const Moves& moves, double level) {
    const Exchange& e = draft.exchange;
    const bool metropolis = moves.rule == Rule::metropolis && level > 0.0;
    if (moves.balanced && moves.kind != Proposals::anywhere && metropolis)
        return make_if_odds_allow(e, draft.limit, moves.kind, level);
    // Under the level what lowers the energy is welcome, too, when the water has overtaken it.
    const double limit = moves.rule == Rule::deluge ? std::max(level - energy_, 0.0) : draft.limit;
    if (!difference_below(e, limit)) return false;
    commit(e);
    return true;
}

bool Annealer::make_if_odds_allow(const Exchange& e, double limit, Proposals kind,
                                  double temperature) {
    const auto difference = difference_below(e, kAny);
    const double there = proposal_weight(kind, e);
    const Site a = sites_.site(e.label_a, e.index_a), b = sites_.site(e.label_b, e.index_b);
    sites_.exchange(e.label_a, e.index_a, e.label_b, e.index_b);
    const Exchange back{{e.label_a, e.label_b, e.b, e.a}, sites_.index(b), sites_.index(a)};
    const double odds = proposal_weight(kind, back) / there;
    const bool accept = odds > 0.0 && *difference - temperature * std::log(odds) <= limit;
    sites_.exchange(back.label_a, back.index_a, back.label_b, back.index_b);
    if (!accept) return false;
    Exchange again = e;
    again.index_a = sites_.index(a);
    again.index_b = sites_.index(b);
    commit(again);
    return true;
}

std::int64_t Annealer::run(std::int64_t proposals, double level, double enough,
                           const Moves& moves) {
    if (moves.kind != Proposals::anywhere && !sites_.sorted()) sites_.sort_by_neighbours();
    std::array<Draft, kDrafts> drafts;
    // Drawn by classes, all that is ahead of an exchange made was drawn in vain.
    const std::size_t ahead = moves.kind == Proposals::anywhere ? kDrafts : 2;
    std::size_t first = 0, count = 0;
    const auto nth = [&](std::size_t i) -> Draft& { return drafts[(first + i) % kDrafts]; };
    std::int64_t made = 0, left = proposals;
    while (left > 0 && error_ > enough) {
        while (count < ahead && static_cast<std::int64_t>(count) < left)
            draft(moves, level, nth(count++));
        for (std::size_t i = 0; i < std::min(kPlaced, count); ++i)
            if (Draft& next = nth(i); !next.placed) {
                locate(next.exchange);
                lines_->prefetch(next.exchange.a);
                lines_->prefetch(next.exchange.b);
                next.placed = true;
            }
        const Exchange& made_last = nth(0).exchange;
        const bool change = make_if_accepted(nth(0), moves, level);
        ++first;
        --count;
        --left;
        ++proposed_;
        made += change;
        accepted_ += change;
        // Places in lists go on as they were, but for those of the two voxels; in sorted lists
        // others move, too, and do so for a moment to weigh the way back.
        const bool moved = sites_.sorted() && (change || moves.balanced);
        for (std::size_t i = 0; i < count && (change || moved); ++i)
            if (moved || nth(i).exchange.shares_a_voxel(made_last)) nth(i).placed = false;
        if (change && moves.kind != Proposals::anywhere && count > 0) {
            random_ = nth(0).random;  // drawn by classes that are not the same any more
            count = 0;
        }
    }
    if (count > 0) random_ = nth(0).random;  // as if what was not needed had not been drawn
    return made;
}

std::vector<double> Annealer::sample_differences(std::int64_t count) {
    std::vector<double> result;
    Exchange random;
    for (std::int64_t k = 0; k < count; ++k) {
        draw(Proposals::anywhere, random);
        locate(random);
        result.push_back(*difference_below(random, kAny));
    }
    return result;
}

double Annealer::difference(std::int64_t a, std::int64_t b) {
    const auto one = sites_.find(a), two = sites_.find(b);
    if (one.label == two.label) return 0.0;
    Exchange e{{one.label, two.label}, one.index, two.index};
    locate(e);
    return *difference_below(e, kAny);
}

Annealer::Snapshot Annealer::snapshot() const {
    Snapshot result{{}, sites_.sorted(), random_.state(), proposed_, accepted_};
    for (int label = 0; label < 256; ++label)
        result.sites.push_back(sites_.of(static_cast<std::uint8_t>(label)));
    return result;
}

void Annealer::restore(const Snapshot& snapshot) {
    sites_.restore(snapshot.sites, snapshot.sorted);
    random_ = Xoshiro256(snapshot.random);
    proposed_ = snapshot.proposed;
    accepted_ = snapshot.accepted;
}

}  // namespace microtwin
